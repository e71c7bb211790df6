-- Purpose: says that the process of a run is alive, as long as its connection lasts.
-- Grain: one row: whether this connection has said so. Parameters: run, its id.
SELECT pg_try_advisory_lock(hashtextextended(%(run)s, 743383)) AS held
