-- Purpose: what a language model was asked. Grain: a question. Parameters: none.
SELECT id, input::text AS input
FROM dft.llm_calls
WHERE input IS NOT NULL
ORDER BY id
