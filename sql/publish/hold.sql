-- Purpose: one publication at a time writes to a database, as long as its transaction lasts.
-- Parameters: none; the number is the project's own.
SELECT pg_advisory_xact_lock(743384) AS held
