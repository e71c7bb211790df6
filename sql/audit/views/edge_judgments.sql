-- Purpose: the judgments behind each pair that is an edge or a candidate, as in the lake's `edge_judgments`.
-- Grain: a judgment of a pair in a scope; `forward`: asked source → wiser, `reverse`: wiser → source.
-- Parameters: none.
CREATE OR REPLACE VIEW dft.edge_judgments AS
SELECT
    p."scope" || '|' || p."source_value_id" || '|' || p."wiser_value_id" AS "edge_id",
    p."scope",
    p."source_value_id",
    p."wiser_value_id",
    j."participant_id",
    j."relationship",
    CASE WHEN j."source_value_id" = p."source_value_id" THEN 'forward' ELSE 'reverse' END AS "direction",
    j."context_id",
    j."story",
    j."comment",
    j."created_at"
FROM dft.pair_tallies AS p
INNER JOIN dft.judgments AS j
    ON
        (
            (j."source_value_id" = p."source_value_id" AND j."wiser_value_id" = p."wiser_value_id")
            OR (j."source_value_id" = p."wiser_value_id" AND j."wiser_value_id" = p."source_value_id")
        )
        AND (
            p."scope" = 'all'
            OR p."scope" = 'context:' || j."context_id"
            OR p."scope" = ANY (SELECT 'case:' || c FROM unnest(j."case_ids") AS c)
        )
WHERE p."marked_wiser" >= 1
