-- Purpose: the rows that loading set aside, for the lake; nothing of people who have withdrawn.
-- Grain: a row of a file. Parameters: none.
SELECT "table", "key", "column", "rule", "value", "file" || ' row ' || "row" AS source
FROM dft.quarantine
WHERE
    "rule" <> 'withdrawn'
    AND NOT EXISTS (
        SELECT FROM dft.withdrawals
        WHERE participant_id IN (dft.quarantine."whose", dft.quarantine."key"::json ->> 'participant_id')
    )
    AND NOT EXISTS (SELECT FROM dft.withdrawn_chats WHERE chat_name = dft.quarantine."whose")
ORDER BY "table", "file", "row"
