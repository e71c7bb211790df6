-- Purpose: a row of a table of a snapshot is found by its key, which is its own.
-- Parameters: {schema}, {table}, {columns}.
CREATE UNIQUE INDEX ON {schema}.{table} ({columns}) NULLS NOT DISTINCT
