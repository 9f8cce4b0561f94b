-- What is old of what providers told is deleted.
CREATE INDEX provider_event_received ON provider_event (received_at);

-- How an order is opened elsewhere than by its buyer's token: by the link of a letter,
-- by a code that was mailed, and then by the token that either is exchanged for.

CREATE TABLE order_opening (
    hash bytea PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL REFERENCES orders,
    kind text NOT NULL CHECK (kind IN ('link', 'code', 'token')),
    address bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    CHECK ((kind = 'link') = (expires_at IS NULL)),
    CHECK ((kind = 'code') = (address IS NOT NULL))
);
COMMENT ON COLUMN order_opening.hash IS 'of what is mailed or given out, which is stored nowhere';
COMMENT ON COLUMN order_opening.address IS 'hash of where a code was sent, to count those that wait';
COMMENT ON COLUMN order_opening.expires_at IS
    'null where the event alone tells: a link lasts for 30 days after its end';
CREATE UNIQUE INDEX order_opening_link ON order_opening (order_id) WHERE kind = 'link';
CREATE INDEX order_opening_of_order ON order_opening (order_id, created_at);
CREATE INDEX order_opening_waiting ON order_opening (address) WHERE kind = 'code';
CREATE INDEX order_opening_over ON order_opening (expires_at)
    WHERE expires_at IS NOT NULL;
