-- Purpose: a condition: the row is of nobody who has withdrawn. Parameters: {column}, a user's id;
-- the setting of `withdrawal/who`.
({column}::bigint = ANY (ARRAY(SELECT json_array_elements_text(current_setting('dft.withdrawn_users')::json)::bigint)))
IS NOT TRUE
