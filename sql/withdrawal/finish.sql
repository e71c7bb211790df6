-- Purpose: says that nothing of those who have withdrawn is left. Parameters: people, their pseudonyms.
UPDATE dft.withdrawals SET finished_at = clock_timestamp()
WHERE finished_at IS NULL AND participant_id = ANY (%(people)s)
