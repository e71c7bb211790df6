-- Purpose: what those who judged a pair of values, either way, voted for or were shown of the two.
-- Grain: a vote or showing. Parameters: source, wiser: ids of values.
SELECT "participant_id", "value_id", "case_id", "is_vote", "created_at"
FROM dft.edge_votes
WHERE "source_value_id" = %(source)s AND "wiser_value_id" = %(wiser)s
ORDER BY "participant_id", "value_id", "case_id" COLLATE "C", "is_vote"
