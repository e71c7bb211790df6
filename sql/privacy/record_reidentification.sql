-- Purpose: records that somebody asks who a pseudonym is, before there is an answer.
-- Parameters: pseudonym, reason.
INSERT INTO dft.reidentifications ("pseudonym", "reason")
VALUES (%(pseudonym)s, %(reason)s)
