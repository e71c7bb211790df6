-- Purpose: the project's own tables, in schema dft; and an empty schema for Dagster to make its own in.
-- Grain: quarantine: a row of a table file that was set aside when it was loaded.
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
