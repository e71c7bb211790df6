-- Purpose: tells whether a day's rows are those of the last extraction: new, edited and deleted rows all show.
-- Grain: a UTC day on which rows were created, or one row for a table that does not date its rows.
-- Parameters: {day} of a row, its {expressions} as extracted, {relation}, {kept}: whether a row may be extracted.
SELECT day, count(*) AS rows, sum(hashtextextended(extracted::text, 0)::numeric)::text AS digest
FROM (SELECT {day} AS day, {expressions} FROM {relation} WHERE {kept}) AS extracted
GROUP BY day
ORDER BY day
