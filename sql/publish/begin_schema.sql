-- Purpose: an empty schema for the tables of one snapshot; what a load that did not end has left is gone.
-- Parameters: {schema}, its name.
DROP SCHEMA IF EXISTS {schema} CASCADE;
CREATE SCHEMA {schema};
