-- Guests who held something: their tokens last, and those of all others lapse. Nobody is
-- here for longer than a token lasts.
CREATE TABLE guest (
    user_id text COLLATE "C" PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX guest_seen ON guest (seen_at);
