-- Purpose: bridging values as the authors queried them: somebody of one party voted for a value, somebody of another
-- for a second one, and both were asked whether a third is wiser than theirs, whatever they answered.
-- Grain: two values and a third; the people of each party are counted, and a row is there only where they are
-- fewest or more, and so are the others who did the same, or nobody did: else these would follow. The same holds of
-- those of them who did not answer upgrade, who follow from bridging_upgrade.
-- Parameters: party, other_party (as in "Demographic"), before (a moment, UTC), fewest (people; 5 for what is shown).
WITH held AS (
    SELECT DISTINCT
        e."fromId" AS value_id,
        e."toId" AS wiser_value_id,
        e."userId" AS user_id,
        e."relationship" <> 'upgrade' AS declined
    FROM "Edge" AS e
    JOIN "Vote" AS v ON v."userId" = e."userId" AND v."valuesCardId" = e."fromId"
    WHERE e."createdAt" < %(before)s AND v."createdAt" < %(before)s
),
belonging AS (
    SELECT
        held.*,
        EXISTS (
            SELECT FROM "Demographic" AS d
            WHERE d."userId" = held.user_id AND d."usPoliticalAffiliation" = %(party)s
        ) AS is_one,
        EXISTS (
            SELECT FROM "Demographic" AS d
            WHERE d."userId" = held.user_id AND d."usPoliticalAffiliation" = %(other_party)s
        ) AS is_other
    FROM held
),
counted AS (
    SELECT
        value_id,
        wiser_value_id,
        count(*) FILTER (WHERE is_one) AS people,
        count(*) FILTER (WHERE NOT is_one) AS rest,
        count(*) FILTER (WHERE is_one AND declined) AS declined,
        count(*) FILTER (WHERE NOT is_one AND declined) AS rest_declined,
        count(*) FILTER (WHERE is_other) AS other_people,
        count(*) FILTER (WHERE NOT is_other) AS other_rest,
        count(*) FILTER (WHERE is_other AND declined) AS other_declined,
        count(*) FILTER (WHERE NOT is_other AND declined) AS other_rest_declined
    FROM belonging
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
    AND (one.rest = 0 OR one.rest >= %(fewest)s)
    AND (one.declined = 0 OR one.declined >= %(fewest)s)
    AND (one.rest_declined = 0 OR one.rest_declined >= %(fewest)s)
    AND (other.other_rest = 0 OR other.other_rest >= %(fewest)s)
    AND (other.other_declined = 0 OR other.other_declined >= %(fewest)s)
    AND (other.other_rest_declined = 0 OR other.other_rest_declined >= %(fewest)s)
ORDER BY one.wiser_value_id, one.value_id, other.value_id
