-- Purpose: what people said when asked whether a value is wiser than another, and how many found the reverse.
-- Grain: one row per value that they were asked to move from.
-- Parameters: title (of the value that is proposed as wiser), before (a moment, UTC).
SELECT
    source."title" AS from_value,
    source."id" AS value_id,
    count(*) FILTER (WHERE e."relationship" = 'upgrade') AS upgrade,
    count(*) FILTER (WHERE e."relationship" = 'no_upgrade') AS no_upgrade,
    count(*) FILTER (WHERE e."relationship" = 'not_sure') AS not_sure,
    (
        SELECT count(*)
        FROM "Edge" AS r
        WHERE r."fromId" = wiser."id" AND r."toId" = source."id" AND r."relationship" = 'upgrade'
            AND r."createdAt" < %(before)s
    ) AS reverse_upgrade
FROM "Edge" AS e
JOIN "CanonicalValuesCard" AS source ON source."id" = e."fromId"
JOIN "CanonicalValuesCard" AS wiser ON wiser."id" = e."toId"
WHERE wiser."title" = %(title)s AND e."createdAt" < %(before)s
GROUP BY source."id", source."title", wiser."id"
ORDER BY count(*) DESC, source."id"
