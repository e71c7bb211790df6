-- Purpose: one load at a time of a table, as long as its transaction lasts: of two at once, the one that
-- ends later knows what the other has set aside, and neither waits for the other's rows for ever.
-- Parameters: table; the number is the project's own.
SELECT pg_advisory_xact_lock(743383, hashtext(%(table)s)) AS held
