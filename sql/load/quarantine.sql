-- Purpose: remembers a row of a file that was set aside.
-- Grain: a row of a file. Parameters: table, file, row, key, column, rule, value.
INSERT INTO dft.quarantine ("table", "file", "row", "key", "column", "rule", "value")
VALUES (%(table)s, %(file)s, %(row)s, %(key)s, %(column)s, %(rule)s, %(value)s)
