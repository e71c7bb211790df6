-- Purpose: the rows that loading set aside, for the lake.
-- Grain: a row of a file. Parameters: none.
SELECT "table", "key", "column", "rule", "value", "file" || ' row ' || "row" AS source
FROM dft.quarantine
ORDER BY "table", "file", "row"
