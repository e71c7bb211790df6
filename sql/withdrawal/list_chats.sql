-- Purpose: the chats of people who have withdrawn. Grain: a chat, by its keyed name. Parameters: none.
SELECT chat_name
FROM dft.withdrawn_chats
ORDER BY chat_name
