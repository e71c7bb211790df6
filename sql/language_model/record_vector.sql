-- Purpose: keeps a text's vector; where another process was faster, its stays.
-- Grain: one row. Parameters: model; text, its hash; vector, float32 in little-endian order.
INSERT INTO dft.embeddings (model, text_hash, vector)
VALUES (%(model)s, %(text)s, %(vector)s)
ON CONFLICT (model, text_hash) DO NOTHING
