-- Purpose: what values are called.
-- Grain: one row per canonical card among those asked for.
-- Parameters: value_ids (an array).
SELECT c."id" AS value_id, c."title" AS title
FROM "CanonicalValuesCard" AS c
WHERE c."id" = ANY(%(value_ids)s)
ORDER BY c."id"
