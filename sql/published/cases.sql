-- Purpose: how many prompts there were, to hold against the authors' "3".
-- Grain: one row per case that somebody voted in.
-- Parameters: before (a moment, UTC).
SELECT c."id" AS case_id, count(DISTINCT v."userId") AS voters
FROM "Case" AS c
JOIN "Vote" AS v ON v."caseId" = c."id"
WHERE v."createdAt" < %(before)s
GROUP BY c."id"
ORDER BY c."id"
