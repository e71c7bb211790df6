-- Purpose: an empty table for the good rows of one file, as long as the transaction lasts.
-- Parameters: {relation}, the app's table.
CREATE TEMPORARY TABLE staged (LIKE {relation}, row_number bigint PRIMARY KEY) ON COMMIT DROP
