-- Purpose: the project's own tables of what people load beside the app's: further prompts, their
-- labels, completions, and ratings and rankings of these.
-- Grain: one table per own table, in the project's database, wherever the app's is.
-- Parameters: none.

CREATE TABLE IF NOT EXISTS "FurtherPrompt" (
    "id" text PRIMARY KEY,
    "text" text,
    "messages" jsonb,
    "source" text
);

CREATE TABLE IF NOT EXISTS "ContextLabel" (
    "id" text PRIMARY KEY,
    "promptId" text NOT NULL,
    "turnIndex" bigint,
    "contextId" text NOT NULL,
    "userId" bigint,
    "applies" boolean NOT NULL
);

CREATE TABLE IF NOT EXISTS "Completion" (
    "id" text PRIMARY KEY,
    "promptId" text,
    "prompt" text,
    "text" text,
    "messages" jsonb,
    "model" text,
    "source" text,
    "isSynthetic" boolean
);

CREATE TABLE IF NOT EXISTS "CriterionRating" (
    "userId" bigint NOT NULL,
    "role" text NOT NULL,
    "completionId" text NOT NULL,
    "valueId" bigint NOT NULL,
    "criterion" text NOT NULL,
    "isMet" boolean NOT NULL,
    "score" bigint,
    "explanation" text,
    PRIMARY KEY ("userId", "completionId", "valueId", "criterion")
);

CREATE TABLE IF NOT EXISTS "CompletionRanking" (
    "userId" bigint NOT NULL,
    "role" text NOT NULL,
    "completionId" text NOT NULL,
    "valueId" bigint NOT NULL,
    "rank" bigint NOT NULL,
    PRIMARY KEY ("userId", "completionId", "valueId")
);
