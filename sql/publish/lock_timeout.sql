-- Purpose: waits for readers less long than PostgreSQL takes to call two waits for each other a deadlock.
-- Parameters: none; holds for the transaction.
SET LOCAL lock_timeout = '300ms'
