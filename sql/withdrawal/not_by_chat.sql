-- Purpose: a condition: the row is of no chat that was withdrawn. Parameters: {column}, a chat's id;
-- the setting of `withdrawal/who`.
({column}::text = ANY (ARRAY(SELECT json_array_elements_text(current_setting('dft.withdrawn_chats')::json))))
IS NOT TRUE
