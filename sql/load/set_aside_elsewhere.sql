-- Purpose: the keys of a table's rows that other files had set aside.
-- Grain: a key, as JSON. Parameters: table, file: the one that is being loaded.
SELECT DISTINCT "key"
FROM dft.quarantine
WHERE "table" = %(table)s AND "file" <> %(file)s AND "key" IS NOT NULL
ORDER BY "key"
