-- Purpose: an empty table of a snapshot. Parameters: {schema}, {table}, {columns} with their types.
CREATE TABLE {schema}.{table} ({columns})
