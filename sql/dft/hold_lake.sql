-- Purpose: one run at a time writes to a lake, as long as its connection lasts.
-- Grain: one row: whether the lake is held now. Parameters: lake, its address.
SELECT pg_try_advisory_lock(hashtextextended(%(lake)s, 743382)) AS held
