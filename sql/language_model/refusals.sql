-- sql/language_model/refusals.sql
-- Purpose: questions that the model refused to answer when it last said anything to them.
-- Grain: one row per such question, with the reason. Parameters: questions, their hashes.
SELECT question_hash, reason
FROM (
    SELECT DISTINCT ON (question_hash) question_hash, outcome, reason
    FROM dft.llm_calls
    WHERE outcome IN ('answered', 'refused') AND question_hash = any(%(questions)s)
    ORDER BY question_hash, id DESC
) AS latest
WHERE outcome = 'refused'
