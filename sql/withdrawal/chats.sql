-- Purpose: whose each chat is, and what it is a copy of. Grain: a chat. Parameters: {copied}, where the table says.
SELECT "id"::text AS id, "userId"::bigint AS "userId", {copied}::text AS "copiedFromId"
FROM "Chat"
ORDER BY id
