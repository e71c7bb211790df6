-- Purpose: the project's own tables, in schema dft; and an empty schema for Dagster to make its own in.
-- Grain: quarantine: a row of a table file that was set aside when it was loaded; llm_calls: a question to a
-- language model, or a batch of texts that it embedded; embeddings: a text under a model.
-- Parameters: none.

CREATE SCHEMA IF NOT EXISTS dft;
CREATE SCHEMA IF NOT EXISTS dagster;

CREATE TABLE IF NOT EXISTS dft.quarantine (
    "table" text NOT NULL,
    "file" text NOT NULL,
    "row" bigint NOT NULL,
    "key" text,
    "column" text,
    "rule" text NOT NULL,
    "value" text,
    PRIMARY KEY ("table", "file", "row")
);

-- A question to a language model and what came of it. `input` and `answer` hold participants' words; json and
-- not jsonb, because it keeps them as they were sent.
CREATE TABLE IF NOT EXISTS dft.llm_calls (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text,
    kind text NOT NULL,
    prompt_name text,
    prompt_version integer,
    prompt_hash text,
    model text NOT NULL,
    parameters json NOT NULL,
    question_hash text NOT NULL,
    input_hash text NOT NULL,
    input json,
    answer json,
    outcome text NOT NULL,
    reason text,
    tokens_in bigint NOT NULL,
    tokens_out bigint NOT NULL,
    cost double precision,
    latency_s double precision NOT NULL,
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS llm_calls_answered ON dft.llm_calls (question_hash) WHERE outcome = 'answered';
CREATE INDEX IF NOT EXISTS llm_calls_run ON dft.llm_calls (run_id);

-- A text's vector by a model, float32 in little-endian order; the text itself is not kept here.
CREATE TABLE IF NOT EXISTS dft.embeddings (
    model text NOT NULL,
    text_hash text NOT NULL,
    vector bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model, text_hash)
);

-- Withdrawal: who has withdrawn, by pseudonym, and which chats were theirs, by a keyed name; `finished_at` is when
-- a lake held nothing of theirs any more. `whose`, in the quarantine: such a pseudonym or name, where it is known.
CREATE TABLE IF NOT EXISTS dft.withdrawals (
    participant_id text NOT NULL,
    key_fingerprint text NOT NULL,
    withdrawn_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (participant_id, key_fingerprint)
);

CREATE TABLE IF NOT EXISTS dft.withdrawn_chats (
    chat_name text PRIMARY KEY
);

-- Asked first: to alter it would wait for every load under way, each time.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'dft.quarantine'::regclass AND attname = 'whose'
    ) THEN
        ALTER TABLE dft.quarantine ADD COLUMN "whose" text;
    END IF;
END
$$;
