-- Purpose: lets go of a snapshot's tables. Parameters: {schema}.
DROP SCHEMA {schema} CASCADE
