-- Purpose: how many people took part, to hold against the authors' "500".
-- Grain: one row: everybody who voted or judged an edge; of them those whom the recruiting platform sent, and
-- those whose political affiliation is known.
-- Parameters: before (a moment, UTC), no_answer (an array of what stands for no affiliation).
WITH active AS (
    SELECT "userId" AS user_id FROM "Edge" WHERE "createdAt" < %(before)s
    UNION
    SELECT "userId" AS user_id FROM "Vote" WHERE "createdAt" < %(before)s
)
SELECT
    count(*) AS participants,
    count(*) FILTER (
        WHERE EXISTS (SELECT FROM "User" AS u WHERE u."id" = active.user_id AND u."signupType" = 'PROLIFIC')
    ) AS recruited,
    count(*) FILTER (
        WHERE EXISTS (
            SELECT FROM "Demographic" AS d
            WHERE d."userId" = active.user_id AND d."usPoliticalAffiliation" <> ALL(%(no_answer)s)
        )
    ) AS of_known_affiliation
FROM active
