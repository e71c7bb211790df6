-- Purpose: vectors of texts that were embedded before.
-- Grain: one row per text that has one. Parameters: model; texts, their hashes.
SELECT
    text_hash,
    vector
FROM dft.embeddings
WHERE model = %(model)s AND text_hash = any(%(texts)s)
ORDER BY text_hash
