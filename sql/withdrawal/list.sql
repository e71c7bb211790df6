-- Purpose: who has withdrawn. Grain: a participant under a pseudonym key. Parameters: none.
SELECT participant_id, key_fingerprint
FROM dft.withdrawals
ORDER BY participant_id, key_fingerprint
