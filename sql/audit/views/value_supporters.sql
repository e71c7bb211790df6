-- Purpose: who supports a value themselves, and how; nothing is carried along edges here.
-- Grain: a participant, a value, a case and how: `articulated` a card that became it, `voted` for it, or
-- `judged` it an upgrade of another value, in a context (null for the others).
-- Parameters: none.
CREATE OR REPLACE VIEW dft.value_supporters AS
SELECT "value_id", "case_id", "participant_id", 'articulated' AS "how", NULL::text AS "context_id"
FROM dft.articulations
UNION
SELECT "value_id", "case_id", "participant_id", 'voted', NULL
FROM dft.votes
WHERE "is_vote"
UNION
SELECT j."wiser_value_id", c, j."participant_id", 'judged', j."context_id"
FROM dft.judgments AS j, unnest(j."case_ids") AS c
WHERE j."relationship" = 'upgrade'
