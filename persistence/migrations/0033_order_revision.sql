-- An order is written where it is still as it was read: by one statement, which takes
-- the place of a transaction that locks, reads and writes.
ALTER TABLE orders ADD COLUMN revision bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN orders.revision IS 'counts what was written of it, lines and all';
DROP FUNCTION lock_order(text);
