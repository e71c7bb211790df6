-- Purpose: whether a connection still answers. Grain: one row. Parameters: none.
SELECT 1 AS alive
