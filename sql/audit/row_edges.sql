-- Purpose: the edges that made a training row's value wise, with the counts behind each.
-- Grain: an edge. Parameters: row: its row_id.
SELECT
    e."edge_id", e."source_value_id", e."wiser_value_id", e."marked_wiser", e."marked_not_wiser",
    e."marked_less_wise", e."marked_unsure", e."wiser_likelihood"
FROM dft.reward_rows AS r
INNER JOIN dft.wisdom_edges AS e ON e."edge_id" = ANY (r."edge_ids")
WHERE r."row_id" = %(row)s
ORDER BY e."edge_id" COLLATE "C"
