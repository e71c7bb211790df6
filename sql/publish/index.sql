-- Purpose: rows of a table of a snapshot are found by other columns than their key.
-- Parameters: {schema}, {table}, {columns}.
CREATE INDEX ON {schema}.{table} ({columns})
