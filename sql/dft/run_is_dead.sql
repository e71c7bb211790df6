-- Purpose: whether nobody holds a run. Asked in a transaction, at whose end the run is free again.
-- Grain: one row: whether it is free, and the seconds since it began. Parameters: run, its id; began, a
-- Unix time.
SELECT
    pg_try_advisory_xact_lock(hashtextextended(%(run)s, 743383)) AS is_free,
    extract(epoch FROM clock_timestamp()) - %(began)s AS age_s
