-- Purpose: copies an entry of a lake's publication log; one that is there stays as it is.
-- Parameters: lake, its address; number, as_of, revision, reason, manifest_sha256, previous_sha256, sha256.
INSERT INTO dft.publications
    ("lake", "number", "as_of", "revision", "reason", "manifest_sha256", "previous_sha256", "sha256")
VALUES
    (%(lake)s, %(number)s, %(as_of)s, %(revision)s, %(reason)s, %(manifest_sha256)s, %(previous_sha256)s, %(sha256)s)
ON CONFLICT ("lake", "number") DO NOTHING
