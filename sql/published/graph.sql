-- Purpose: the size of the published graph, and its loops, by the authors' rule and without the pipeline.
-- Grain: one row: values, edges, and simple cycles, each counted from its smallest value.
-- Parameters: before (a moment, UTC).
WITH RECURSIVE asked AS (
    SELECT
        "fromId" AS source,
        "toId" AS wiser,
        count(*) AS judgments,
        count(*) FILTER (WHERE "relationship" = 'upgrade') AS upgrades,
        count(*) FILTER (WHERE "relationship" = 'no_upgrade') AS no_upgrades,
        count(*) FILTER (WHERE "relationship" = 'not_sure') AS unsure
    FROM "Edge"
    WHERE "createdAt" < %(before)s
    GROUP BY "fromId", "toId"
),
tallies AS (
    SELECT
        one.*,
        COALESCE(reverse.upgrades, 0) AS less_wise,
        one.judgments + COALESCE(reverse.judgments, 0) AS both_ways
    FROM asked AS one
    LEFT JOIN asked AS reverse ON reverse.source = one.wiser AND reverse.wiser = one.source
),
rated AS (
    SELECT
        t.source,
        t.wiser,
        t.upgrades,
        (t.upgrades - t.less_wise)::double precision / (t.upgrades + t.no_upgrades + t.unsure + t.less_wise)
            AS wiser_likelihood,
        (
            SELECT -sum(share * ln(share) / ln(2.0::double precision))
            FROM (
                SELECT marks::double precision / sum(marks) OVER () AS share
                FROM unnest(ARRAY[t.upgrades, t.no_upgrades, t.unsure, t.less_wise, t.both_ways]) AS marks
                WHERE marks > 0
            ) AS shares
        ) AS entropy
    FROM tallies AS t
    WHERE t.upgrades >= 2
),
edges AS (
    SELECT source, wiser FROM rated WHERE wiser_likelihood >= 0.33 AND entropy <= 1.69
),
ways AS (
    SELECT source AS first, wiser AS last, ARRAY[source, wiser] AS passed FROM edges WHERE wiser > source
    UNION ALL
    SELECT ways.first, edges.wiser, ways.passed || edges.wiser
    FROM ways
    JOIN edges ON edges.source = ways.last
    WHERE
        ways.last <> ways.first
        AND (edges.wiser = ways.first OR (edges.wiser > ways.first AND edges.wiser <> ALL(ways.passed)))
)
SELECT
    (SELECT count(*) FROM (SELECT source FROM edges UNION SELECT wiser FROM edges) AS ends) AS "values",
    (SELECT count(*) FROM edges) AS edges,
    (SELECT count(*) FROM ways WHERE last = first) AS loops
