-- Purpose: everything of a participant's that counts, under their pseudonym.
-- Grain: a judgment (`what` is the answer), a vote, a showing, or an articulated value. Parameters: participant.
SELECT
    "relationship" AS "what", "source_value_id", "wiser_value_id" AS "value_id", "context_id" AS "where",
    "created_at"
FROM dft.judgments
WHERE "participant_id" = %(participant)s
UNION ALL
SELECT CASE WHEN "is_vote" THEN 'voted' ELSE 'shown' END, NULL, "value_id", "case_id", "created_at"
FROM dft.votes
WHERE "participant_id" = %(participant)s
UNION ALL
SELECT 'articulated', NULL, "value_id", "case_id", NULL
FROM dft.articulations
WHERE "participant_id" = %(participant)s
ORDER BY "what", "value_id", "source_value_id", "where"
