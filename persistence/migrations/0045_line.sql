-- The line of an event: how it was opened, and who stands in it. Anybody may join in any
-- process, without the event's owner, who takes entries from here in order.
CREATE TABLE line (
    event_id text COLLATE "C" PRIMARY KEY,
    draw integer NOT NULL CHECK (draw > 0),
    mode text NOT NULL CHECK (mode IN ('draw', 'fifo', 'list')),
    phase text NOT NULL CHECK (phase IN ('opening', 'gathering', 'late', 'over')),
    rules text NOT NULL,
    rules_hash bytea NOT NULL,
    commitment bytea NOT NULL,
    seed bytea,
    root bytea,
    entries integer,
    order_key bytea,
    line_hash bytea,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz
) WITH (fillfactor = 50);
COMMENT ON COLUMN line.phase IS
    'what becomes of a join, which reads it FOR SHARE: refused until the event has the'
    ' opening in its journal, then an entrant, then late, then refused';
COMMENT ON COLUMN line.rules IS 'canonical JSON: hashed, so byte for byte';
COMMENT ON COLUMN line.seed IS 'secret until order_key is known; null where it is derived';
COMMENT ON COLUMN line.order_key IS 'K of the draw; who comes late is fed once it is here';

CREATE TABLE line_entry (
    entry_id text COLLATE "C" PRIMARY KEY,
    event_id text COLLATE "C" NOT NULL,
    draw integer NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    stub bytea NOT NULL UNIQUE CHECK (length(stub) = 16),
    late boolean NOT NULL,
    joined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    wish jsonb,
    locale text NOT NULL DEFAULT '',
    email_hash bytea,
    device_hash bytea,
    net text,
    gates text[] NOT NULL DEFAULT '{}',
    taken boolean NOT NULL DEFAULT false,
    rank integer CHECK (rank > 0),
    turn text,
    turn_until timestamptz,
    hold text COLLATE "C",
    ended text,
    over_at timestamptz
) WITH (fillfactor = 70);
COMMENT ON COLUMN line_entry.entry_id IS 'secret: whoever has it has the place';
COMMENT ON COLUMN line_entry.stub IS 'the public half';
COMMENT ON COLUMN line_entry.taken IS
    'from then on the event has the wish, and is told who leaves; before, this row is';
COMMENT ON COLUMN line_entry.rank IS 'of a late one, set in the commit that fed it';
COMMENT ON COLUMN line_entry.turn IS 'why a turn was given; null where none was';
COMMENT ON COLUMN line_entry.over_at IS 'when the place was over, left or used';

CREATE UNIQUE INDEX line_entry_user
    ON line_entry (event_id, user_id, draw) WHERE over_at IS NULL;
CREATE UNIQUE INDEX line_entry_email
    ON line_entry (event_id, email_hash, draw)
    WHERE over_at IS NULL AND email_hash IS NOT NULL;
CREATE UNIQUE INDEX line_entry_device
    ON line_entry (event_id, device_hash, draw)
    WHERE over_at IS NULL AND device_hash IS NOT NULL;
CREATE UNIQUE INDEX line_entry_rank
    ON line_entry (event_id, draw, rank) WHERE rank IS NOT NULL;
CREATE INDEX line_entry_ahead
    ON line_entry (event_id, draw, rank) WHERE rank IS NOT NULL AND over_at IS NULL;
CREATE INDEX line_entry_unfed
    ON line_entry (event_id) WHERE late AND rank IS NULL AND over_at IS NULL;
CREATE INDEX line_entry_of_user ON line_entry (user_id, joined_at, entry_id);
