-- Purpose: forgets what was set aside when a file of a table was loaded before.
-- Parameters: table, file.
DELETE FROM dft.quarantine WHERE "table" = %(table)s AND "file" = %(file)s
