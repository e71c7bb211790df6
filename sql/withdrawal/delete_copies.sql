-- Purpose: takes staged copies of withdrawn chats out of the staging table, and copies of such copies.
-- Grain: a row of the file. Parameters: chats, their ids.
WITH RECURSIVE gone AS (
    SELECT unnest(%(chats)s::text[]) AS id
    UNION
    SELECT staged."id" FROM staged INNER JOIN gone ON staged."copiedFromId" = gone.id
)
DELETE FROM staged USING gone
WHERE staged."id" = gone.id
RETURNING staged.row_number, staged."id"
