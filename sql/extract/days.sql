-- Purpose: says which days `rows` is to return, as long as the connection lasts.
-- Parameters: $1, a text array in PostgreSQL's notation.
SELECT set_config('dft.days', $1, false) AS days
