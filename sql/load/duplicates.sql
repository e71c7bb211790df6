-- Purpose: the staged rows whose key an earlier, different row of the file has already taken.
-- Grain: a row of the file. Parameters: {key} and {columns} of the table.
SELECT row_number, {key}
FROM (
    SELECT
        row_number,
        {key},
        to_jsonb(ROW({columns})) AS content,
        first_value(to_jsonb(ROW({columns}))) OVER (PARTITION BY {key} ORDER BY row_number) AS first_content
    FROM staged
) AS rows_of_key
WHERE content <> first_content
ORDER BY row_number
