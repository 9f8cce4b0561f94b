-- Tickets on their way to somebody else: offered to an address, taken with a mailed code.
CREATE TABLE ticket_transfer (
    transfer_id text COLLATE "C" PRIMARY KEY,
    ticket_id text COLLATE "C" NOT NULL REFERENCES ticket,
    event_id text COLLATE "C" NOT NULL,
    from_user text COLLATE "C" NOT NULL,
    email text NOT NULL,
    code bytea NOT NULL,
    state text NOT NULL DEFAULT 'offered'
        CHECK (state IN ('offered', 'accepted', 'withdrawn', 'expired')),
    to_user text COLLATE "C",
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state = 'offered') = (ended_at IS NULL)),
    CHECK ((state = 'accepted') = (to_user IS NOT NULL))
);
COMMENT ON TABLE ticket_transfer IS
    'altered by whoever has the register of the event only, as its tickets are';
COMMENT ON COLUMN ticket_transfer.code IS 'the hash of what was mailed';
CREATE UNIQUE INDEX ticket_transfer_open ON ticket_transfer (ticket_id)
    WHERE state = 'offered';
CREATE INDEX ticket_transfer_of_ticket ON ticket_transfer (ticket_id, created_at);
CREATE INDEX ticket_transfer_ends ON ticket_transfer (expires_at)
    WHERE state = 'offered';
CREATE INDEX ticket_transfer_from ON ticket_transfer (from_user);
