-- Purpose: one load at a time makes the app's tables, as long as its transaction lasts.
-- Parameters: none; the number is the project's own.
SELECT pg_advisory_xact_lock(743383) AS locked
