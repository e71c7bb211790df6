-- Purpose: forgets what loading set aside of people's rows. Parameters: people, their pseudonyms; whose, the same and
-- their chats' keyed names.
DELETE FROM dft.quarantine
WHERE "rule" <> 'withdrawn' AND ("whose" = ANY (%(whose)s) OR "key"::json ->> 'participant_id' = ANY (%(people)s))
