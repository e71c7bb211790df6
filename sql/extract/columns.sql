-- Purpose: which of the app's tables and columns the source has.
-- Grain: a column. Parameters: none.
SELECT table_name AS relation, column_name AS name
FROM information_schema.columns
WHERE table_schema = ANY (current_schemas(false))
ORDER BY relation, name
