-- Purpose: whether any snapshot was ever published to this database. Grain: one row. Parameters: none.
SELECT to_regclass('dft.snapshot') IS NOT NULL AS has_snapshot
