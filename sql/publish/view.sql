-- Purpose: the stable name of a table of the snapshot that is shown.
-- Parameters: {schema}, {table}, {columns}.
CREATE OR REPLACE VIEW dft.{table} AS
SELECT {columns}
FROM {schema}.{table}
