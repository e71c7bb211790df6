-- Purpose: who has withdrawn, and what loading set aside of them.
-- Grain: withdrawals: a person, by pseudonym; withdrawn_chats: a chat of theirs, by a keyed name.
-- Parameters: none.

-- `finished_at` is when a lake held nothing of theirs any more.
CREATE TABLE dft.withdrawals (
    participant_id text NOT NULL,
    key_fingerprint text NOT NULL,
    withdrawn_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (participant_id, key_fingerprint)
);

CREATE TABLE dft.withdrawn_chats (
    chat_name text PRIMARY KEY
);

-- A person's pseudonym, or a chat's keyed name, where it is known.
ALTER TABLE dft.quarantine ADD COLUMN "whose" text;
