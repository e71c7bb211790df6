-- Purpose: what a lake's publication log said when its entries were published.
-- Grain: an entry, by number. Parameters: lake, its address.
SELECT "number", "sha256"
FROM dft.publications
WHERE "lake" = %(lake)s
ORDER BY "number"
