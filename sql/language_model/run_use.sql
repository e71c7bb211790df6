-- Purpose: what a run has used so far, in all its processes.
-- Grain: one row; a cost of null where no price was known. Parameters: run_id.
SELECT
    coalesce(sum(tokens_in), 0)::bigint AS tokens_in,
    coalesce(sum(tokens_out), 0)::bigint AS tokens_out,
    sum(cost) AS cost
FROM dft.llm_calls
WHERE run_id = %(run_id)s
