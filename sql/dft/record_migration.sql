-- Purpose: records a numbered file as applied. Parameters: number, name, sha256.
INSERT INTO dft.migrations ("number", "name", "sha256")
VALUES (%(number)s, %(name)s, %(sha256)s)
