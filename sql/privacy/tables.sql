-- Purpose: which tables hold a certain column. Grain: a table of the source. Parameters: names: relations.
SELECT c.table_name AS relation
FROM information_schema.tables AS c
WHERE c.table_schema = ANY (current_schemas(false)) AND c.table_name = ANY (%(names)s)
ORDER BY relation
