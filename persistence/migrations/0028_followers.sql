-- Who follows the journals of events, and how far each has come. Effects and the cursor
-- that covers them are written in one transaction, so each change has its effect once.
CREATE TABLE follower (
    name text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    at timestamptz NOT NULL,
    PRIMARY KEY (name, event_id)
);
COMMENT ON COLUMN follower.version IS 'all of the journal up to here has its effects';
COMMENT ON COLUMN follower.at IS 'when it came there';
