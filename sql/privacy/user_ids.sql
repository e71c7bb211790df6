-- Purpose: the app's users that a table names. Grain: a user's id. Parameters: {relation}, {column}.
SELECT DISTINCT {column}::bigint AS user_id
FROM {relation}
WHERE {column} IS NOT NULL
ORDER BY user_id
