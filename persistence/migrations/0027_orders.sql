-- Orders: what is bought, the attempts to pay it, what goes back. Each is altered under
-- the lock of its order's row only, by the rules of orders.

CREATE TABLE orders (
    order_id text COLLATE "C" PRIMARY KEY,
    organisation_id text COLLATE "C",
    user_id text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL UNIQUE,
    status text NOT NULL CHECK (status IN ('initiated', 'payment_pending', 'confirmed',
        'completed', 'cancelled', 'refunded')),
    step text NOT NULL CHECK (step IN ('new', 'pledging', 'priced', 'paying', 'closing',
        'paid', 'late', 'booked', 'completed', 'refused', 'expired', 'left', 'lost',
        'given_back', 'event_cancelled')),
    leaving boolean NOT NULL DEFAULT false,
    refund text NOT NULL DEFAULT 'none' CHECK (refund IN ('none', 'part', 'full')),
    currency text,
    total bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
    seen_total bigint,
    due bigint NOT NULL DEFAULT 0 CHECK (due >= 0),
    pay_until timestamptz,
    accepted_payment text COLLATE "C",
    provider text,
    why text,
    buyer jsonb NOT NULL,
    rules jsonb NOT NULL,
    request_hash bytea NOT NULL,
    driven_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    words tsvector GENERATED ALWAYS AS
        (search_vector(buyer ->> 'name', buyer ->> 'email')) STORED,
    CHECK (total = 0 OR currency IS NOT NULL)
);
COMMENT ON COLUMN orders.user_id IS 'whose it is, guest or not';
COMMENT ON COLUMN orders.step IS 'how far it is; the status is what buyers are told';
COMMENT ON COLUMN orders.leaving IS 'its buyer gave it up before it was paid';
COMMENT ON COLUMN orders.due IS 'owed to the buyer, and could not be returned';
COMMENT ON COLUMN orders.rules IS 'under what it was made: later settings do not matter';
COMMENT ON COLUMN orders.driven_until IS
    'until then nobody need look at it; null where it rests';
CREATE INDEX orders_of_user ON orders (user_id, created_at, order_id);
CREATE INDEX orders_driven ON orders (driven_until) WHERE driven_until IS NOT NULL;
CREATE INDEX orders_words ON orders USING gin (words);

-- One for each event that it buys of.
CREATE TABLE order_part (
    order_id text COLLATE "C" NOT NULL REFERENCES orders,
    event_id text COLLATE "C" NOT NULL REFERENCES event,
    hold text COLLATE "C" NOT NULL,
    booking_id text COLLATE "C",
    refused boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, event_id)
);
COMMENT ON COLUMN order_part.refused IS
    'the event never gave it the hold, or its buyer has that back';
CREATE UNIQUE INDEX order_part_hold ON order_part (event_id, hold) WHERE NOT refused;
CREATE INDEX order_part_list ON order_part (event_id, created_at, order_id);
CREATE UNIQUE INDEX order_part_booking ON order_part (booking_id)
    WHERE booking_id IS NOT NULL;

CREATE TABLE order_line (
    order_id text COLLATE "C" NOT NULL REFERENCES orders,
    line integer NOT NULL CHECK (line > 0),
    kind text NOT NULL CHECK (kind IN ('seat', 'place', 'goods', 'fee')),
    label text NOT NULL,
    category text NOT NULL,
    type text,
    unit bigint NOT NULL CHECK (unit >= 0),
    discount bigint NOT NULL CHECK (discount BETWEEN 0 AND unit),
    fee bigint NOT NULL CHECK (fee >= 0),
    tax bigint NOT NULL CHECK (tax >= 0),
    tax_ppm integer NOT NULL CHECK (tax_ppm >= 0),
    gross bigint NOT NULL,
    seller_fee bigint NOT NULL DEFAULT 0 CHECK (seller_fee >= 0),
    state text NOT NULL CHECK (state IN ('live', 'leaving', 'gone')),
    PRIMARY KEY (order_id, line),
    -- The tax is inside of it, or added.
    CHECK (gross = unit - discount + fee OR gross = unit - discount + fee + tax),
    CHECK (tax <= gross)
);

CREATE TABLE payment (
    payment_id text COLLATE "C" PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL REFERENCES orders,
    provider text NOT NULL,
    provider_ref text,
    state text NOT NULL CHECK (state IN ('created', 'open', 'processing', 'failed',
        'expired', 'captured')),
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    captured bigint NOT NULL DEFAULT 0 CHECK (captured >= 0),
    captured_currency text,
    use text CHECK (use IN ('accepted', 'surplus', 'rejected')),
    session text,
    asked text,
    created_at timestamptz NOT NULL,
    UNIQUE (provider, provider_ref),
    CHECK ((state = 'captured') = (captured_currency IS NOT NULL)),
    CHECK (use IS NULL OR state = 'captured'),
    CHECK (use IS DISTINCT FROM 'accepted'
        OR captured >= amount AND captured_currency = currency)
);
COMMENT ON COLUMN payment.session IS 'the page of the provider where it is paid';
COMMENT ON COLUMN payment.asked IS 'names the request that it was made for';
CREATE INDEX payment_of_order ON payment (order_id);
CREATE UNIQUE INDEX payment_accepted ON payment (order_id) WHERE use = 'accepted';

CREATE TABLE refund (
    refund_id text COLLATE "C" PRIMARY KEY,
    payment_id text COLLATE "C" NOT NULL REFERENCES payment,
    order_id text COLLATE "C" NOT NULL REFERENCES orders,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('surplus', 'rejected', 'excess', 'lost',
        'event_cancelled', 'given_back', 'outside')),
    state text NOT NULL CHECK (state IN ('requested', 'sent', 'settled', 'failed',
        'by_hand')),
    provider_ref text,
    lines integer[] NOT NULL,
    was_settled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    CHECK (state <> 'settled' OR was_settled)
);
CREATE INDEX refund_of_order ON refund (order_id);

-- What providers said by themselves, once each.
CREATE TABLE provider_event (
    provider text NOT NULL,
    event_ref text NOT NULL,
    payment_ref text NOT NULL,
    attempt text COLLATE "C",
    received_at timestamptz NOT NULL DEFAULT now(),
    body bytea NOT NULL,
    applied_at timestamptz,
    PRIMARY KEY (provider, event_ref)
);
COMMENT ON COLUMN provider_event.body IS 'the facts, as they were read from what came';
COMMENT ON COLUMN provider_event.applied_at IS
    'null where no attempt of ours is known that it tells of';
CREATE INDEX provider_event_waiting ON provider_event (received_at)
    WHERE applied_at IS NULL;

-- The order as its rules know it, locked until the transaction ends. The lock comes
-- first: a statement that waits for it would else read what was there before.
CREATE FUNCTION lock_order(wanted text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orders WHERE order_id = wanted FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
END $$;
