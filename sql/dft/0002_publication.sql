-- Purpose: what the lake's newest snapshot and its publication log look like in SQL, and who was re-identified.
-- Grain: publications: an entry of a lake's publication log; reidentifications: a time that somebody asked who
-- a pseudonym is.
-- Parameters: none.

CREATE TABLE dft.publications (
    "lake" text NOT NULL,
    "number" bigint NOT NULL,
    "as_of" date NOT NULL,
    "revision" bigint NOT NULL,
    "reason" text NOT NULL,
    "manifest_sha256" text,
    "previous_sha256" text,
    "sha256" text NOT NULL,
    PRIMARY KEY ("lake", "number")
);

CREATE TABLE dft.reidentifications (
    "id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "pseudonym" text NOT NULL,
    "reason" text NOT NULL CHECK (btrim("reason") <> ''),
    "database_user" text NOT NULL DEFAULT session_user,
    "asked_at" timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION dft.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'dft.% is append-only: % is refused', TG_TABLE_NAME, TG_OP;
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dft.publications
FOR EACH STATEMENT EXECUTE FUNCTION dft.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dft.reidentifications
FOR EACH STATEMENT EXECUTE FUNCTION dft.refuse_change();

COMMENT ON TABLE dft.publications IS 'One row is an entry of a lake''s publication log; append-only.';
COMMENT ON COLUMN dft.publications."lake" IS 'the lake''s address';
COMMENT ON COLUMN dft.publications."number" IS 'the entry''s place in the log, from 1';
COMMENT ON COLUMN dft.publications."as_of" IS 'the day whose snapshot it is about';
COMMENT ON COLUMN dft.publications."revision" IS 'how many manifests the day has had, from 1';
COMMENT ON COLUMN dft.publications."reason" IS 'nightly, rebuild, policy, withdrawal or retired';
COMMENT ON COLUMN dft.publications."manifest_sha256" IS 'SHA-256 of the manifest; null where the day was retired';
COMMENT ON COLUMN dft.publications."previous_sha256" IS 'sha256 of the entry before; null for the first';
COMMENT ON COLUMN dft.publications."sha256" IS 'SHA-256 of the entry, by which the next one names it';
COMMENT ON TABLE dft.reidentifications IS
'One row is a time that somebody asked who a pseudonym is; append-only.';
COMMENT ON COLUMN dft.reidentifications."pseudonym" IS 'who was asked about';
COMMENT ON COLUMN dft.reidentifications."reason" IS 'why, in the words of whoever asked';
COMMENT ON COLUMN dft.reidentifications."database_user" IS 'the user of the database who asked';
COMMENT ON COLUMN dft.reidentifications."asked_at" IS 'when; the answer came after it';
