-- Purpose: the cards that became a value, and what decided so.
-- Grain: a card. Parameters: value: its id.
SELECT "card_kind", "card_id", "similarity", "decided_by", "motivation"
FROM dft.card_values
WHERE "value_id" = %(value)s
ORDER BY "card_kind", "card_id"
