-- Purpose: the name of the band that a number is in: the number itself never leaves the source.
-- Grain: a part of the statements `fingerprints` and `rows`. Parameters: {number}; {bounds}, where bands begin
-- and the last one ends; {names}, of what is below the first, of each band, of what is above the last.
({names}::text[])[width_bucket({number}::bigint, {bounds}::bigint[]) + 1]
