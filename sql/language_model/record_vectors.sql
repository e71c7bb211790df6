-- Purpose: keeps texts' vectors; where another process was faster, its stay.
-- Grain: one row per text. Parameters: model; texts, their hashes; vectors, float32 in little-endian order, in
-- the same order.
INSERT INTO dft.embeddings (model, text_hash, vector)
SELECT
    %(model)s,
    made.text_hash,
    made.vector
FROM unnest(%(texts)s::text[], %(vectors)s::bytea[]) AS made (text_hash, vector)
ON CONFLICT (model, text_hash) DO NOTHING
