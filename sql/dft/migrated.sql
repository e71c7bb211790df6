-- Purpose: the numbered files that a database has.
-- Grain: a file, by number. Parameters: none.
SELECT "number", "name", "sha256"
FROM dft.migrations
ORDER BY "number"
