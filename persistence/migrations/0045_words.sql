-- In which language somebody reads: what is told to an account is in it, unless an order
-- names another.
ALTER TABLE account ADD COLUMN locale text NOT NULL DEFAULT '';
ALTER TABLE attendee ADD COLUMN locale text NOT NULL DEFAULT '';
COMMENT ON COLUMN account.locale IS 'as BCP 47; empty where nobody said, which is English';

-- All messages of webhooks, as administrators list them.
CREATE INDEX hook_delivery_listed ON hook_delivery (created_at, delivery_id);
