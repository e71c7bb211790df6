-- Purpose: says whose rows are not extracted, as long as the connection lasts. Parameters: $1, users' ids; $2,
-- chats' ids; both as JSON arrays.
SELECT
    set_config('dft.withdrawn_users', $1, false) AS users,
    set_config('dft.withdrawn_chats', $2, false) AS chats
