-- Purpose: who supports the value of a training row themselves, in its case, or in its case and context.
-- Grain: a participant, a training row and how, as in `value_supporters`.
-- Parameters: none.
CREATE OR REPLACE VIEW dft.row_supporters AS
SELECT DISTINCT r."row_id", s."participant_id", s."how"
FROM dft.reward_rows AS r
INNER JOIN dft.value_supporters AS s
    ON
        s."value_id" = r."value_id"
        AND s."case_id" = r."prompt_id"
        AND (s."how" <> 'judged' OR r."context_id" IS NULL OR s."context_id" = r."context_id")
