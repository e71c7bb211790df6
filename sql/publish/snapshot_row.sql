-- Purpose: which snapshot the tables beside this one are of.
-- Parameters: {schema}; as_of, revision, policy, key_fingerprint, manifest_sha256, settings (JSON).
CREATE TABLE {schema}.snapshot AS
SELECT
    %(as_of)s::date AS as_of,
    %(revision)s::bigint AS revision,
    %(policy)s::text AS policy,
    %(key_fingerprint)s::text AS key_fingerprint,
    %(manifest_sha256)s::text AS manifest_sha256,
    %(settings)s::jsonb AS settings
