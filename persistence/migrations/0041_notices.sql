-- Notices: what somebody is told, in the application and by mail. A notice is named for
-- its kind, its subject and whom it is for, so that raising it again writes nothing.
CREATE TABLE notice (
    notice_id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    subject text COLLATE "C" NOT NULL,
    user_id text COLLATE "C",
    event_id text COLLATE "C",
    data jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    read_at timestamptz,
    told boolean NOT NULL DEFAULT false
);
COMMENT ON COLUMN notice.notice_id IS 'a digest of kind, subject and whose it is';
COMMENT ON COLUMN notice.user_id IS 'null where only an address is known: by mail alone';
COMMENT ON COLUMN notice.data IS 'ids and amounts; no secret, and no words that people typed';
COMMENT ON COLUMN notice.told IS 'whether open pages were told of it';
CREATE INDEX notice_of_user ON notice (user_id, at, notice_id) WHERE user_id IS NOT NULL;
CREATE INDEX notice_unread ON notice (user_id)
    WHERE read_at IS NULL AND user_id IS NOT NULL;
CREATE INDEX notice_untold ON notice (at) WHERE NOT told;
CREATE INDEX notice_at ON notice (at);

-- A mail with a kind is written when it is sent, in its language: until then it is the
-- kind and what is to be told. One without has its text, as before.
ALTER TABLE mail
    ADD COLUMN kind text,
    ADD COLUMN notice_id text COLLATE "C",
    ADD COLUMN event_id text COLLATE "C",
    ADD COLUMN locale text NOT NULL DEFAULT '',
    ADD COLUMN data jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN files text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN mail.kind IS 'of which kind of notice; null where the text is here';
COMMENT ON COLUMN mail.data IS 'what only the mail tells; emptied when it is sent';
COMMENT ON COLUMN mail.files IS
    'what is made when it is sent, as ticket:ID and calendar:ID';
CREATE INDEX mail_listed ON mail (created_at, mail_id);

-- What all who hold something of an event are told; somebody writes it in slices.
CREATE TABLE notice_round (
    kind text NOT NULL,
    subject text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    data jsonb NOT NULL,
    booked_before timestamptz,
    after_version bigint NOT NULL DEFAULT -1,
    raised bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz,
    PRIMARY KEY (kind, subject)
);
COMMENT ON COLUMN notice_round.booked_before IS 'who booked later need not be told';
COMMENT ON COLUMN notice_round.after_version IS
    'who booked with this version of the event or before is told';
CREATE INDEX notice_round_open ON notice_round (created_at) WHERE done_at IS NULL;

-- What those who booked know of the time, so that a change can be told from a new price.
CREATE TABLE notice_time (
    event_id text COLLATE "C" PRIMARY KEY,
    starts_at_ms bigint NOT NULL,
    timezone text NOT NULL
);

-- Addresses at which mail does not arrive.
CREATE TABLE mail_bounce (
    email_key text COLLATE "C" NOT NULL,
    bounce text COLLATE "C" NOT NULL,
    hard boolean NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (email_key, bounce)
);
COMMENT ON COLUMN mail_bounce.bounce IS 'tells it from others: twice reported counts once';
CREATE INDEX mail_bounce_at ON mail_bounce (at);

-- What those who booked before this were told.
INSERT INTO notice_time (event_id, starts_at_ms, timezone)
SELECT event_id, (settings ->> 'starts_at_ms')::bigint,
    coalesce(settings ->> 'timezone', 'UTC')
FROM event e WHERE EXISTS (SELECT FROM booking b WHERE b.event_id = e.event_id);
