-- Purpose: where it is recorded which numbered files a database has.
-- Grain: a numbered file of sql/dft that was applied. Parameters: none.
CREATE SCHEMA IF NOT EXISTS dft;
CREATE TABLE IF NOT EXISTS dft.migrations (
    "number" bigint PRIMARY KEY,
    "name" text NOT NULL,
    "sha256" text NOT NULL
);
