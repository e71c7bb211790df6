-- Purpose: deletes people's rows. Parameters: {relation}, {column}; ids, users' or chats'.
DELETE FROM {relation} WHERE {column} = ANY (%(ids)s)
