-- Purpose: which snapshot the views show. Grain: one row. Parameters: none.
SELECT "as_of", "manifest_sha256"
FROM dft.snapshot
