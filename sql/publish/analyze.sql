-- Purpose: tells the planner what is in a table of a snapshot. Parameters: {schema}, {table}.
ANALYZE {schema}.{table}
