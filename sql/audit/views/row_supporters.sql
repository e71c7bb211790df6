-- Purpose: who supports the value of a training row themselves, in the case and the contexts of its question.
-- Grain: a participant, a training row and how, as in `value_support`; what is carried along edges is not here.
-- Parameters: none.
CREATE OR REPLACE VIEW dft.row_supporters AS
SELECT DISTINCT r."row_id", s."participant_id", s."how"
FROM dft.row_lineage AS r
INNER JOIN dft.value_support AS s
    ON
        s."value_id" = r."value_id"
        AND (s."case_id" = r."case_id" OR s."context_id" = ANY (r."context_ids"))
        AND r."scope" <> ALL (s."erased_in")
