-- Rooms in which people talk: of an event, of an order.
CREATE TABLE chat_room (
    room text COLLATE "C" PRIMARY KEY,
    event_id text COLLATE "C" NOT NULL REFERENCES event ON DELETE CASCADE,
    order_id text COLLATE "C",
    seq bigint NOT NULL DEFAULT 0,
    slow_s integer NOT NULL DEFAULT 0 CHECK (slow_s BETWEEN 0 AND 3600),
    words text[] NOT NULL DEFAULT '{}',
    closed boolean NOT NULL DEFAULT false,
    busy_at timestamptz NOT NULL DEFAULT '-infinity',
    slow_until timestamptz NOT NULL DEFAULT '-infinity',
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
COMMENT ON COLUMN chat_room.seq IS
    'the number of the last message or change: gapless, one order for all';
COMMENT ON COLUMN chat_room.words IS 'a message that has one of them waits to be let through';
COMMENT ON COLUMN chat_room.busy_at IS 'when as much as may be said would have been said';
COMMENT ON COLUMN chat_room.slow_until IS 'slow by itself until then, for too much was said';
CREATE INDEX chat_room_of_event ON chat_room (event_id);

CREATE TABLE chat_member (
    room text COLLATE "C" NOT NULL REFERENCES chat_room ON DELETE CASCADE,
    user_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    seen bigint NOT NULL DEFAULT 0,
    muted_until timestamptz NOT NULL DEFAULT '-infinity',
    banned boolean NOT NULL DEFAULT false,
    ready_at timestamptz NOT NULL DEFAULT '-infinity',
    said_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (room, user_id)
) WITH (fillfactor = 70);
COMMENT ON COLUMN chat_member.ready_at IS
    'when as much as one person may say would have been said';
CREATE INDEX chat_member_of_user ON chat_member (user_id);

CREATE TABLE chat_message (
    room text COLLATE "C" NOT NULL REFERENCES chat_room ON DELETE CASCADE,
    seq bigint NOT NULL,
    changed bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    staff boolean NOT NULL,
    key text COLLATE "C" NOT NULL,
    text text NOT NULL,
    reply_to bigint,
    state text NOT NULL CHECK (state IN ('shown', 'held', 'deleted', 'removed')),
    why text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    edited_at timestamptz,
    PRIMARY KEY (room, seq),
    UNIQUE (room, user_id, key)
);
COMMENT ON COLUMN chat_message.changed IS 'the number of its last change; at first its own';
COMMENT ON COLUMN chat_message.why IS 'of held: slow, or words';
CREATE INDEX chat_message_changed ON chat_message (room, changed);
CREATE INDEX chat_message_held ON chat_message (room, seq) WHERE state = 'held';
CREATE INDEX chat_message_of_user ON chat_message (user_id);

CREATE TABLE chat_report (
    room text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    PRIMARY KEY (room, seq, user_id),
    FOREIGN KEY (room, seq) REFERENCES chat_message ON DELETE CASCADE
);
CREATE INDEX chat_report_open ON chat_report (room, at) WHERE closed_at IS NULL;
