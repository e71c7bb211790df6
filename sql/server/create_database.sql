-- Purpose: makes a database.
-- Parameters: {database}, its name.
CREATE DATABASE {database}
