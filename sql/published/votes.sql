-- Purpose: the values that most people voted for in a case: what counting votes would choose.
-- Grain: one row per value that has a vote there; participants count once.
-- Parameters: case_id, before (a moment, UTC).
SELECT
    c."id" AS value_id,
    c."title" AS title,
    count(DISTINCT v."userId") AS votes,
    rank() OVER (ORDER BY count(DISTINCT v."userId") DESC) AS place
FROM "Vote" AS v
JOIN "CanonicalValuesCard" AS c ON c."id" = v."valuesCardId"
WHERE v."caseId" = %(case_id)s AND v."createdAt" < %(before)s
GROUP BY c."id", c."title"
ORDER BY place, c."id"
