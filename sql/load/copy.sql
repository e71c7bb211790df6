-- Purpose: streams the good rows of one file into the staging table.
-- Parameters: {columns}, the table's columns.
COPY staged ({columns}, row_number) FROM STDIN
