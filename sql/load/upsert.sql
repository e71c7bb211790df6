-- Purpose: the first staged row of each key into the app's table; the row with the larger version wins, on
-- equality the file's. Grain: one row of counts: rows, new, changed.
-- Parameters: {relation}, its {key} and {columns}, {assignments}, {is_newer}: whether the file's row may win.
WITH first_rows AS (
    SELECT DISTINCT ON ({key}) {columns}
    FROM staged
    ORDER BY {key}, row_number
),
merged AS (
    INSERT INTO {relation} AS stored ({columns})
    SELECT {columns} FROM first_rows
    ON CONFLICT ({key}) DO UPDATE SET {assignments}
    WHERE {is_newer} AND ({stored}) IS DISTINCT FROM ({excluded})
    RETURNING (xmax = 0) AS is_new
)
SELECT
    (SELECT count(*) FROM first_rows) AS rows,
    count(*) FILTER (WHERE is_new) AS new,
    count(*) FILTER (WHERE NOT is_new) AS changed
FROM merged
