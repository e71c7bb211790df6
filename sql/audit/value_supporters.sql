-- Purpose: who supports a value themselves, and how.
-- Grain: a participant, a case and how. Parameters: value: its id.
SELECT "case_id", "how", "participant_id", count(*) AS "times"
FROM dft.value_supporters
WHERE "value_id" = %(value)s
GROUP BY "case_id", "how", "participant_id"
ORDER BY "case_id" COLLATE "C", "how", "participant_id"
