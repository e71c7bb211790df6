-- Purpose: a value, and how it stands in every scope where it is an end of an edge.
-- Grain: a scope; one row without a scope where it is no end of any edge. Parameters: value: its id.
SELECT
    v."title", v."card_count", g."scope", g."wisdom", g."pagerank", g."votes", g."shown", g."vote_rate"
FROM dft.canonical_values AS v
LEFT JOIN dft.graph_values AS g USING ("value_id")
WHERE v."value_id" = %(value)s
ORDER BY g."scope" COLLATE "C"
