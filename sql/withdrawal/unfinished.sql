-- Purpose: how many have withdrawn whose rows may still be in a lake. Grain: one row.
-- Parameters: key_fingerprint.
SELECT count(*) AS people
FROM dft.withdrawals
WHERE finished_at IS NULL AND key_fingerprint = %(key_fingerprint)s
