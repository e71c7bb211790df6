-- Purpose: what the cards of chats say. Grain: a card. Parameters: {columns}; ids, the chats'.
SELECT {columns}
FROM "ValuesCard"
WHERE "chatId" = ANY (%(ids)s)
ORDER BY "id"
