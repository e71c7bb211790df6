-- Purpose: drops the staging table before its transaction ends, so that the next table can have one.
-- Parameters: none.
DROP TABLE staged
