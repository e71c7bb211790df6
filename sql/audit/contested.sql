-- Purpose: what is contested in a scope.
-- Grain: a pair contested in direction, or a component that was unwound. Parameters: scope.
SELECT "kind", "is_dispute", "value_ids", "participant_count", "edges", "unwound_edges"
FROM dft.contested
WHERE "scope" = %(scope)s
ORDER BY "component_id", "kind", "value_ids"
