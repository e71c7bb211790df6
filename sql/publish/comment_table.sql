-- Purpose: says what a row is. Parameters: {kind}, {schema}, {table}, {meaning}.
COMMENT ON {kind} {schema}.{table} IS {meaning}
