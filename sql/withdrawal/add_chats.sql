-- Purpose: puts chats on the list. Parameters: chats, their keyed names.
INSERT INTO dft.withdrawn_chats (chat_name)
SELECT unnest(%(chats)s::text[])
ON CONFLICT DO NOTHING
