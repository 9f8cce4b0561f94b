-- Tickets: one for each seat and place of a booking. A follower of the journal makes and
-- revokes them; a gate checks their signature and this list of what is good no longer.

CREATE TABLE ticket (
    ticket_id text COLLATE "C" PRIMARY KEY,
    order_id text COLLATE "C",
    line integer,
    booking_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL UNIQUE CHECK (number ~ '^[A-HJ-NP-Z2-9]{10}$'),
    generation integer NOT NULL DEFAULT 1 CHECK (generation BETWEEN 1 AND 255),
    state text NOT NULL DEFAULT 'valid'
        CHECK (state IN ('valid', 'offered', 'locked', 'revoked')),
    holder jsonb NOT NULL,
    kind text NOT NULL CHECK (kind IN ('seat', 'place')),
    label text NOT NULL,
    category text,
    area text,
    place integer CHECK (place >= 0),
    key_id text COLLATE "C" NOT NULL,
    changed bigint NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    CHECK ((kind = 'place') = (area IS NOT NULL)),
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL)),
    CHECK (line IS NULL OR order_id IS NOT NULL)
);
COMMENT ON COLUMN ticket.order_id IS 'null where no order of the shop booked it';
COMMENT ON COLUMN ticket.generation IS
    'one more each time it is issued again; the code of the one before is revoked';
COMMENT ON COLUMN ticket.holder IS 'user: who has it; at first who booked';
COMMENT ON COLUMN ticket.label IS 'of the seat; of a place that of its area';
COMMENT ON COLUMN ticket.category IS 'null where it was booked before bookings kept it';
COMMENT ON COLUMN ticket.place IS
    'index of the seat, or of the area, in the map of the event; null if not in there';
COMMENT ON COLUMN ticket.key_id IS 'which key signs its code';
COMMENT ON COLUMN ticket.changed IS 'revision of the event''s tickets that it is as of';
COMMENT ON COLUMN ticket.issued_at IS 'when this generation began to be valid';
CREATE UNIQUE INDEX ticket_of_seat ON ticket (event_id, label)
    WHERE kind = 'seat' AND state <> 'revoked';
CREATE INDEX ticket_of_booking ON ticket (booking_id);
CREATE INDEX ticket_of_order ON ticket (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX ticket_of_event ON ticket (event_id, created_at, ticket_id);
CREATE INDEX ticket_changes ON ticket (event_id, changed);
CREATE INDEX ticket_of_holder ON ticket ((holder ->> 'user'), created_at, ticket_id);

-- Whoever changes tickets of an event takes its row first: so revisions are committed
-- in order, and who has read up to one has missed nothing.
CREATE TABLE ticket_register (
    event_id text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL,
    revoked bigint NOT NULL DEFAULT 0
);
COMMENT ON COLUMN ticket_register.revision IS 'counts changes of the event''s tickets';
COMMENT ON COLUMN ticket_register.revoked IS 'the revision of the last revocation';

CREATE TABLE ticket_revoked (
    event_id text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    generation integer NOT NULL,
    revision bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (number, generation)
);
COMMENT ON COLUMN ticket_revoked.revision IS 'of the event''s tickets, as in the register';
CREATE INDEX ticket_revoked_list ON ticket_revoked (event_id, revision);

CREATE TABLE ticket_key (
    key_id text COLLATE "C" PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{8}$'),
    organisation_id text COLLATE "C",
    number integer NOT NULL,
    public bytea NOT NULL CHECK (length(public) = 32),
    seed bytea NOT NULL,
    sealed boolean NOT NULL,
    signs_from timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ticket_key IS
    'keys that sign tickets; none is removed while a ticket may show it';
COMMENT ON COLUMN ticket_key.organisation_id IS
    'null is the house''s, for events that belong to no organisation';
COMMENT ON COLUMN ticket_key.seed IS
    'encrypted with a key that follows from ONSALE_SECRET_KEY where sealed';
COMMENT ON COLUMN ticket_key.signs_from IS
    'a later key is shown for a while before it signs, so that gates know it';
CREATE UNIQUE INDEX ticket_key_number
    ON ticket_key (coalesce(organisation_id, ''), number);
