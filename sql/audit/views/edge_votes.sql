-- Purpose: what the people who judged a pair of values, either way, voted for or were shown of the two.
-- Grain: a vote or showing (`is_vote`) of one of the judges for one of the two values in a case.
-- Parameters: none.
CREATE OR REPLACE VIEW dft.edge_votes AS
SELECT
    p."source_value_id",
    p."wiser_value_id",
    v."participant_id",
    v."value_id",
    v."case_id",
    v."is_vote",
    v."created_at"
FROM dft.pair_tallies AS p
INNER JOIN dft.votes AS v ON v."value_id" IN (p."source_value_id", p."wiser_value_id")
WHERE
    p."scope" = 'all'
    AND EXISTS (
        SELECT 1
        FROM dft.judgments AS j
        WHERE
            j."participant_id" = v."participant_id"
            AND (
                (j."source_value_id" = p."source_value_id" AND j."wiser_value_id" = p."wiser_value_id")
                OR (j."source_value_id" = p."wiser_value_id" AND j."wiser_value_id" = p."source_value_id")
            )
    )
