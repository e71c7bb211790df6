-- Purpose: remembers a row of a file that was set aside.
-- Grain: a row of a file. Parameters: table, file, row, key, column, rule, value; whose: a pseudonym or a chat's
-- keyed name, where it is known.
INSERT INTO dft.quarantine ("table", "file", "row", "key", "column", "rule", "value", "whose")
VALUES (%(table)s, %(file)s, %(row)s, %(key)s, %(column)s, %(rule)s, %(value)s, %(whose)s)
