-- Purpose: the verdict on a pair of values in every scope where it was judged, and how sure it is.
-- Grain: a scope. Parameters: source, wiser: ids of values.
SELECT
    p."scope", p."is_edge", p."rejection_reason", p."marked_wiser", p."marked_not_wiser", p."marked_less_wise",
    p."marked_unsure", p."judgments_both_ways", p."wiser_likelihood", p."entropy", e."bootstrap_survival",
    e."q_base"
FROM dft.pair_tallies AS p
LEFT JOIN dft.edge_evidence AS e USING ("scope", "source_value_id", "wiser_value_id")
WHERE p."source_value_id" = %(source)s AND p."wiser_value_id" = %(wiser)s
ORDER BY p."scope" COLLATE "C"
