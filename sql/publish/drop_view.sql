-- Purpose: lets go of a view whose columns are no longer those of its table. Parameters: {view}.
DROP VIEW IF EXISTS dft.{view}
