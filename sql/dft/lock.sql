-- Purpose: one process at a time makes schemas, as long as its transaction lasts.
-- Parameters: none; the number is the project's own.
SELECT pg_advisory_xact_lock(743382) AS locked
