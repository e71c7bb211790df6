-- Purpose: the chats that cards name. Grain: a chat's id. Parameters: none.
SELECT DISTINCT "chatId"::text AS id
FROM "ValuesCard"
WHERE "chatId" IS NOT NULL
ORDER BY id
