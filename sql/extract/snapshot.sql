-- Purpose: one view of the source for a whole extraction, which changes nothing there.
-- Parameters: none. Must come first in its transaction.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY
