-- Check-in: who passed which gate. What happened is kept as it was, also what a gate did
-- without us; what follows from it, who is in, stands beside and can be told anew.

CREATE TABLE checkin_list (
    event_id text COLLATE "C" NOT NULL REFERENCES event,
    list_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    reentry boolean NOT NULL DEFAULT false,
    opens_at timestamptz,
    categories text[],
    created_by text COLLATE "C",
    request_hash bytea NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    revision bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (event_id, list_id)
);
COMMENT ON COLUMN checkin_list.list_id IS
    'main: the one that each event has, made when it is first asked for';
COMMENT ON COLUMN checkin_list.reentry IS 'who was scanned out may come in again';
COMMENT ON COLUMN checkin_list.opens_at IS 'nobody comes in before; null is always';
COMMENT ON COLUMN checkin_list.categories IS 'whose tickets it takes; null is all';
CREATE TRIGGER checkin_list_revision
    BEFORE UPDATE OF name, reentry, opens_at, categories ON checkin_list FOR EACH ROW
    WHEN ((OLD.name, OLD.reentry, OLD.opens_at, OLD.categories) IS DISTINCT FROM
        (NEW.name, NEW.reentry, NEW.opens_at, NEW.categories))
    EXECUTE FUNCTION count_revision();

-- One row for each scan, never removed. Locks are taken in this order: a scan of one's
-- own, tickets by their id, what else is known of these. So nobody waits in a circle.
CREATE TABLE checkin (
    event_id text COLLATE "C" NOT NULL,
    nonce text COLLATE "C" NOT NULL,
    list_id text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    gate text NOT NULL,
    who text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    sort_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    result text,
    saw text,
    device_at timestamptz,
    clock_offset_ms bigint,
    ticket_id text COLLATE "C" REFERENCES ticket,
    number text COLLATE "C",
    generation integer,
    revoked boolean NOT NULL DEFAULT false,
    before_at timestamptz,
    before_gate text,
    before_who text COLLATE "C",
    outcome text CHECK
        (outcome IN ('entry', 'exit', 'double_entry', 'entered_revoked', 'nothing')),
    other_nonce text COLLATE "C",
    undone_at timestamptz,
    undone_by text COLLATE "C",
    undo_reason text,
    PRIMARY KEY (event_id, nonce),
    FOREIGN KEY (event_id, list_id) REFERENCES checkin_list,
    CHECK (result IS NOT NULL OR saw IS NOT NULL),
    CHECK ((saw IS NULL) = (device_at IS NULL)),
    CHECK (num_nulls(undone_at, undone_by, undo_reason) IN (0, 3))
);
COMMENT ON COLUMN checkin.nonce IS 'the device''s own name of the scan';
COMMENT ON COLUMN checkin.request_hash IS 'tells a repetition from another scan';
COMMENT ON COLUMN checkin.who IS 'the user, or the API key of the device';
COMMENT ON COLUMN checkin.at IS
    'by our clock; of what was uploaded by the device''s and its offset';
COMMENT ON COLUMN checkin.sort_at IS
    'its place among the scans of its ticket: after those that it was judged by';
COMMENT ON COLUMN checkin.result IS 'what we answered; null where we were not asked';
COMMENT ON COLUMN checkin.saw IS 'what the staff saw, where the device said so later';
COMMENT ON COLUMN checkin.revoked IS 'this generation was when we heard of the scan';
COMMENT ON COLUMN checkin.before_at IS 'who was in already: since when, by whom, where';
COMMENT ON COLUMN checkin.outcome IS 'what a green came to; told anew as more is known';
COMMENT ON COLUMN checkin.other_nonce IS 'the entry that a double one is beside';
CREATE INDEX checkin_of_ticket ON checkin (ticket_id, list_id)
    WHERE ticket_id IS NOT NULL;
CREATE INDEX checkin_outcomes ON checkin (event_id, list_id, outcome, at)
    WHERE outcome IS NOT NULL;

-- Who was let in, by list: what the scans of a ticket come to. The database picks the
-- winner of those that come at once.
CREATE TABLE checkin_state (
    ticket_id text COLLATE "C" NOT NULL REFERENCES ticket,
    list_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    state text NOT NULL CHECK (state IN ('never', 'in', 'out')),
    nonce text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    gate text NOT NULL,
    who text COLLATE "C" NOT NULL,
    sort_at timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, list_id),
    FOREIGN KEY (event_id, list_id) REFERENCES checkin_list
);
COMMENT ON COLUMN checkin_state.state IS 'never: all that let them in was undone';
COMMENT ON COLUMN checkin_state.nonce IS 'the scan that it is since';
COMMENT ON COLUMN checkin_state.sort_at IS 'of the last scan that it follows from';
CREATE INDEX checkin_state_counts ON checkin_state (event_id, list_id, state);
