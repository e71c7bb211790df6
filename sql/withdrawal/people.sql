-- Purpose: everybody whose rows a table holds. Grain: a user's id. Parameters: {column}, {relation}.
SELECT DISTINCT {column}::bigint AS id
FROM {relation}
WHERE {column} IS NOT NULL
ORDER BY id
