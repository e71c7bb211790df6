-- Purpose: forgets questions to a language model and their answers. Parameters: calls, their ids.
DELETE FROM dft.llm_calls WHERE id = ANY (%(calls)s)
