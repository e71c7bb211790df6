-- Purpose: puts somebody on the list for good; who is on it stays as they are.
-- Grain: a participant. Parameters: participant_id, a pseudonym; key_fingerprint.
INSERT INTO dft.withdrawals (participant_id, key_fingerprint)
VALUES (%(participant_id)s, %(key_fingerprint)s)
ON CONFLICT DO NOTHING
