-- Many processes on one database: who they are, and which events a dead one left behind.

CREATE TABLE cluster (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    cluster_id text NOT NULL,
    secret bytea NOT NULL CHECK (length(secret) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN cluster.secret IS
    'the key under which processes sign what they tell each other';

-- Each process renews its row every second: room on the page keeps that out of the index.
CREATE TABLE process (
    process text COLLATE "C" PRIMARY KEY,
    node text COLLATE "C" NOT NULL,
    pid integer NOT NULL,
    address text,
    version text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    leaving boolean NOT NULL,
    protocol integer NOT NULL,
    bus boolean NOT NULL,
    secret_fingerprint text NOT NULL,
    lease_ms bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN process.protocol IS
    'this and what follows are the terms that all processes have to agree on';

-- Finds the heads that somebody owns or owned last, without reading all events there ever
-- were. Neither a commit nor a fence changes this column, so their updates stay HOT; an
-- index that names lease_until would end that. No condition of theirs implies the one of
-- this index either, so no plan of theirs can ever choose it.
UPDATE event_head SET owner_address = NULL
WHERE owner_token IS NULL AND owner_address IS NOT NULL;
CREATE INDEX event_head_owner ON event_head (owner_address)
WHERE owner_address IS NOT NULL;
