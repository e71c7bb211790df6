-- Purpose: how long it took people, to hold against the authors' "about 15 minutes".
-- Grain: one row: the people who voted or judged and whose sign-up is known, and the median, over them, of the minutes
-- from sign-up to their last vote or judgment.
-- Parameters: before (a moment, UTC).
WITH answers AS (
    SELECT "userId" AS user_id, "createdAt" AS answered FROM "Edge" WHERE "createdAt" < %(before)s
    UNION ALL
    SELECT "userId" AS user_id, "createdAt" AS answered FROM "Vote" WHERE "createdAt" < %(before)s
),
stays AS (
    SELECT EXTRACT(EPOCH FROM max(a.answered) - u."createdAt") / 60 AS minutes
    FROM answers AS a
    JOIN "User" AS u ON u."id" = a.user_id
    GROUP BY u."id"
)
SELECT
    count(*) AS participants,
    round((percentile_cont(0.5) WITHIN GROUP (ORDER BY minutes))::numeric, 1)::text AS median_minutes
FROM stays
