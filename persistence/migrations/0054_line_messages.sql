-- What those who manage an event said to those who wait in its line.
CREATE TABLE line_message (
    message_id text COLLATE "C" PRIMARY KEY,
    event_id text COLLATE "C" NOT NULL,
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 500),
    texts jsonb NOT NULL,
    request_hash bytea NOT NULL,
    made_by text COLLATE "C" NOT NULL,
    said_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX line_message_of_event ON line_message (event_id, said_at, message_id);
COMMENT ON COLUMN line_message.texts IS 'the same in other languages, by BCP 47 tag';
