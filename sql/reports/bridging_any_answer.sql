-- Purpose: bridging values as the authors queried them: somebody of one party voted for a value, somebody of another
-- for a second one, and both were asked whether a third is wiser than theirs, whatever they answered.
-- Grain: two values and a third; the people of each party are counted, and a row is there only where they are
-- fewest or more, and so are the others who did the same, or nobody did: else these would follow.
-- Parameters: party, other_party (as in "Demographic"), before (a moment, UTC), fewest (people; 5 for what is shown).
WITH held AS (
    SELECT DISTINCT e."fromId" AS value_id, e."toId" AS wiser_value_id, e."userId" AS user_id
    FROM "Edge" AS e
    JOIN "Vote" AS v ON v."userId" = e."userId" AND v."valuesCardId" = e."fromId"
    WHERE e."createdAt" < %(before)s AND v."createdAt" < %(before)s
),
counted AS (
    SELECT
        value_id,
        wiser_value_id,
        count(*) AS everybody,
        count(*) FILTER (
            WHERE EXISTS (
                SELECT FROM "Demographic" AS d
                WHERE d."userId" = held.user_id AND d."usPoliticalAffiliation" = %(party)s
            )
        ) AS people,
        count(*) FILTER (
            WHERE EXISTS (
                SELECT FROM "Demographic" AS d
                WHERE d."userId" = held.user_id AND d."usPoliticalAffiliation" = %(other_party)s
            )
        ) AS other_people
    FROM held
    GROUP BY value_id, wiser_value_id
)
SELECT
    one.value_id,
    other.value_id AS other_value_id,
    one.wiser_value_id,
    one.people,
    other.other_people
FROM counted AS one
JOIN counted AS other ON other.wiser_value_id = one.wiser_value_id AND other.value_id <> one.value_id
WHERE
    one.people >= %(fewest)s
    AND other.other_people >= %(fewest)s
    AND (one.everybody = one.people OR one.everybody - one.people >= %(fewest)s)
    AND (other.everybody = other.other_people OR other.everybody - other.other_people >= %(fewest)s)
ORDER BY one.wiser_value_id, one.value_id, other.value_id
