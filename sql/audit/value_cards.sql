-- Purpose: the cards that became a value, the chats that they came from, and what decided so.
-- Grain: a card. Parameters: value: its id.
SELECT
    c."card_kind", c."card_id", l."chat_id", l."participant_id", c."similarity", c."decided_by", c."motivation"
FROM dft.card_values AS c
INNER JOIN dft.card_lineage AS l ON l."card_kind" = c."card_kind" AND l."card_id" = c."card_id"
WHERE c."value_id" = %(value)s
ORDER BY c."card_kind", c."card_id"
