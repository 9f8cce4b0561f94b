-- People who register for events that have just a capacity. The place itself is a booking
-- like any other, whose user is the attendee: the seat stock alone says what is free.

-- A row is made before a place is asked for, so that of two with one address one goes on.
-- Whoever dies between leaves it pending: somebody takes it up again, under the same keys.
CREATE TABLE attendee (
    attendee_id text COLLATE "C" PRIMARY KEY,
    event_id text COLLATE "C" NOT NULL REFERENCES event,
    email text NOT NULL,
    name text NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'registered', 'gone')),
    booking_id text COLLATE "C",
    reference text COLLATE "C",
    code_hash bytea UNIQUE CHECK (length(code_hash) = 32),
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    driven_until timestamptz NOT NULL,
    registered_at timestamptz,
    gone_at timestamptz,
    CHECK ((state = 'gone') = (gone_at IS NOT NULL)),
    CHECK (num_nulls(booking_id, reference, registered_at) IN (0, 3)),
    CHECK (state <> 'registered' OR registered_at IS NOT NULL)
);
COMMENT ON COLUMN attendee.user_id IS 'who registered, guest or not';
COMMENT ON COLUMN attendee.state IS
    'gone: without a place, cancelled or never had; its booking has the last word';
COMMENT ON COLUMN attendee.code_hash IS
    'SHA-256; the code is in a mail and stored nowhere else for longer';
COMMENT ON COLUMN attendee.driven_until IS
    'until then somebody is at it, and nobody else takes it up';
CREATE UNIQUE INDEX attendee_address ON attendee (event_id, lower(email))
    WHERE state <> 'gone' AND email <> '';
CREATE INDEX attendee_list ON attendee (event_id, created_at, attendee_id);
CREATE INDEX attendee_of_user ON attendee (user_id, created_at, attendee_id);
CREATE INDEX attendee_pending ON attendee (driven_until) WHERE state = 'pending';
CREATE INDEX attendee_gone ON attendee (gone_at) WHERE state = 'gone';
