-- Purpose: who has revoked consent, by what stands in their background. Grain: a user's id.
-- Parameters: {said}, the columns that may say so; {revoked}, what stands there then.
SELECT DISTINCT "userId"::bigint AS id
FROM "Demographic"
WHERE {revoked} IN ({said})
ORDER BY id
