-- Purpose: says what a column means. Parameters: {schema}, {table}, {column}, {meaning}.
COMMENT ON COLUMN {schema}.{table}.{column} IS {meaning}
