-- Purpose: the judgments of a pair of values, either way, whether it is an edge or not.
-- Grain: a judgment, forward ones first. Parameters: source, wiser: ids of values.
SELECT
    CASE WHEN "source_value_id" = %(source)s THEN 'forward' ELSE 'reverse' END AS "direction",
    "created_at", "participant_id", "relationship", "context_id", "story", "comment"
FROM dft.judgments
WHERE
    ("source_value_id" = %(source)s AND "wiser_value_id" = %(wiser)s)
    OR ("source_value_id" = %(wiser)s AND "wiser_value_id" = %(source)s)
ORDER BY "direction", "created_at", "participant_id"
