-- Purpose: a training row: what was asked, and how its value came to be chosen.
-- Grain: the row. Parameters: row: its row_id.
SELECT
    "prompt_id", "prompt", "context_id", "value_id", "value_title", "support", "share", "reach", "h", "policy",
    "edge_ids", "split", "is_contested"
FROM dft.reward_rows
WHERE "row_id" = %(row)s
