-- Purpose: the deliberation app's tables, as its own schema has them, for a database that a dump is loaded into.
-- Grain: one table per table of the app; keys as the app has them, no foreign keys, text for enums.
-- Parameters: none.

CREATE TABLE IF NOT EXISTS "User" (
    "id" bigint PRIMARY KEY,
    "email" text,
    "name" text,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL,
    "role" text[],
    "isAdmin" boolean,
    "signupType" text,
    "prolificId" text,
    "batch" bigint
);

CREATE TABLE IF NOT EXISTS "Demographic" (
    "id" bigint PRIMARY KEY,
    "userId" bigint NOT NULL,
    "usPoliticalAffiliation" text,
    "age" bigint,
    "sex" text
);

CREATE TABLE IF NOT EXISTS "Case" (
    "id" text PRIMARY KEY,
    "title" text NOT NULL,
    "question" text NOT NULL,
    "seedMessage" text
);

CREATE TABLE IF NOT EXISTS "Context" (
    "id" text PRIMARY KEY
);

CREATE TABLE IF NOT EXISTS "ContextsOnCases" (
    "contextId" text NOT NULL,
    "caseId" text NOT NULL,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL,
    PRIMARY KEY ("contextId", "caseId")
);

CREATE TABLE IF NOT EXISTS "Chat" (
    "id" text PRIMARY KEY,
    "userId" bigint NOT NULL,
    "caseId" text NOT NULL,
    "transcript" jsonb NOT NULL,
    "copiedFromId" text,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL,
    "evaluation" jsonb
);
ALTER TABLE "Chat" ADD COLUMN IF NOT EXISTS "evaluation" jsonb;

CREATE TABLE IF NOT EXISTS "ValuesCard" (
    "id" bigint PRIMARY KEY,
    "title" text NOT NULL,
    "instructionsShort" text NOT NULL,
    "instructionsDetailed" text NOT NULL,
    "evaluationCriteria" text[] NOT NULL,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL,
    "canonicalCardId" bigint,
    "chatId" text,
    "quality" text
);

CREATE TABLE IF NOT EXISTS "CanonicalValuesCard" (
    "id" bigint PRIMARY KEY,
    "title" text NOT NULL,
    "instructionsShort" text NOT NULL,
    "instructionsDetailed" text NOT NULL,
    "evaluationCriteria" text[] NOT NULL,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL
);

CREATE TABLE IF NOT EXISTS "DeduplicatedCard" (
    "id" bigint PRIMARY KEY,
    "generation" bigint NOT NULL,
    "title" text NOT NULL,
    "instructionsShort" text NOT NULL,
    "instructionsDetailed" text NOT NULL,
    "evaluationCriteria" text[] NOT NULL,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL
);

CREATE TABLE IF NOT EXISTS "Deduplication" (
    "valuesCardId" bigint NOT NULL,
    "deduplicatedCardId" bigint NOT NULL,
    "generation" bigint NOT NULL,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL,
    PRIMARY KEY ("valuesCardId", "deduplicatedCardId", "generation")
);

CREATE TABLE IF NOT EXISTS "Impression" (
    "id" bigint PRIMARY KEY,
    "userId" bigint NOT NULL,
    "drawId" text NOT NULL,
    "valuesCardId" bigint NOT NULL,
    "caseId" text NOT NULL,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL
);

CREATE TABLE IF NOT EXISTS "Vote" (
    "id" bigint PRIMARY KEY,
    "userId" bigint NOT NULL,
    "valuesCardId" bigint NOT NULL,
    "caseId" text NOT NULL,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL,
    "drawId" text NOT NULL
);

CREATE TABLE IF NOT EXISTS "EdgeHypothesis" (
    "fromId" bigint NOT NULL,
    "toId" bigint NOT NULL,
    "story" text NOT NULL,
    "contextId" text NOT NULL,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL,
    "runId" text,
    PRIMARY KEY ("fromId", "toId")
);

CREATE TABLE IF NOT EXISTS "Edge" (
    "userId" bigint NOT NULL,
    "fromId" bigint NOT NULL,
    "toId" bigint NOT NULL,
    "story" text,
    "contextId" text NOT NULL,
    "runId" text,
    "relationship" text NOT NULL,
    "comment" text,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL,
    PRIMARY KEY ("userId", "fromId", "toId")
);

CREATE TABLE IF NOT EXISTS "DeduplicationVerification" (
    "id" bigint PRIMARY KEY,
    "userId" bigint NOT NULL,
    "valuesCardId" bigint NOT NULL,
    "otherValuesCardId" bigint NOT NULL,
    "verdict" text NOT NULL,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL
);

CREATE TABLE IF NOT EXISTS "GraphPositionVerification" (
    "id" bigint PRIMARY KEY,
    "userId" bigint NOT NULL,
    "fromId" bigint NOT NULL,
    "toId" bigint NOT NULL,
    "verdict" text NOT NULL,
    "comment" text,
    "createdAt" timestamp NOT NULL,
    "updatedAt" timestamp NOT NULL
);

CREATE TABLE IF NOT EXISTS "Survey_answers" (
    "userId" bigint NOT NULL,
    "question" text NOT NULL,
    "answer" bigint,
    "text" text,
    PRIMARY KEY ("userId", "question")
);
