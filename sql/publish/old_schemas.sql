-- Purpose: the schemas of snapshots that are no longer shown, or were never loaded to their end.
-- Grain: a schema, by name. Parameters: schema: the one that is shown.
SELECT nspname AS name
FROM pg_namespace
WHERE nspname LIKE 'dft\_snapshot\_%%' AND nspname <> %(schema)s
ORDER BY name
