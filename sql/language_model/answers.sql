-- Purpose: good answers to questions that were asked before.
-- Grain: one row per question that has one: its latest. Parameters: questions, their hashes.
SELECT DISTINCT ON (question_hash)
    question_hash,
    answer::text AS answer
FROM dft.llm_calls
WHERE outcome = 'answered' AND question_hash = any(%(questions)s)
ORDER BY question_hash, id DESC
