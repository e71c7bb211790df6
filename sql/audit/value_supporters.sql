-- Purpose: who supports a value themselves, and how; nothing is carried along edges here.
-- Grain: a participant, how, and a case (of a card or a vote) or a context (of an answer). Parameters: value: its id.
SELECT "how", coalesce("case_id", "context_id") AS "where", "participant_id"
FROM dft.value_support
WHERE "value_id" = %(value)s
ORDER BY "how", coalesce("case_id", "context_id") COLLATE "C", "participant_id"
