-- Purpose: the rows of a table of a snapshot, as CSV: null is an empty cell, an empty text is quoted.
-- Parameters: {schema}, {table}.
COPY {schema}.{table} FROM STDIN (FORMAT csv)
