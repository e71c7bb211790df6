-- Purpose: forgets the rows that other files had set aside, where the file has a good row of their key.
-- Parameters: table, file: the one that is being loaded; keys, as JSON.
DELETE FROM dft.quarantine
WHERE "table" = %(table)s AND "file" <> %(file)s AND "key" = ANY(%(keys)s)
