-- Purpose: the rows that were created on certain days, without the columns that identify people.
-- Grain: a row of the table, by key. Parameters: {day} of a row, its {expressions} as extracted, {key}, {relation},
-- {kept}: whether a row may be extracted;
-- the setting dft.days holds the days (a text array; the statement itself must be free of parameters to be a COPY).
SELECT {day} AS day, {expressions}
FROM {relation}
WHERE {day} = ANY (current_setting('dft.days')::text[]) AND {kept}
ORDER BY {key}
