-- Purpose: what was said in chats. Grain: a chat. Parameters: ids, the chats'.
SELECT "transcript"::text AS transcript
FROM "Chat"
WHERE "id" = ANY (%(ids)s)
ORDER BY "id"
