-- Purpose: who supports a training row's value themselves, in its case or context, and how.
-- Grain: a participant and how. Parameters: row: its row_id.
SELECT "participant_id", "how"
FROM dft.row_supporters
WHERE "row_id" = %(row)s
ORDER BY "participant_id", "how"
