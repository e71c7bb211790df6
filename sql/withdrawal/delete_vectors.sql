-- Purpose: forgets texts' vectors, of whatever model. Parameters: texts, their hashes.
DELETE FROM dft.embeddings WHERE text_hash = ANY (%(texts)s)
