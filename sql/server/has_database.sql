-- Purpose: whether the server has a database, and proof that it answers.
-- Grain: one row where it has. Parameters: name.
SELECT 1 AS found FROM pg_database WHERE datname = %(name)s
