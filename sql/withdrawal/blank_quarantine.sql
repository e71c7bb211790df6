-- Purpose: forgets the offending values of rows that may be anybody's. Parameters: tables, those that hold people's rows.
UPDATE dft.quarantine SET "value" = NULL
WHERE "value" IS NOT NULL
    AND "whose" IS NULL
    AND "key"::json ->> 'participant_id' IS NULL
    AND "table" = ANY (%(tables)s)
