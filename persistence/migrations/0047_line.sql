-- The line of an event: how it was opened, and who stands in it. Anybody may join in any
-- process, without the event's owner, who takes entries from here in order.
CREATE TABLE line (
    event_id text COLLATE "C" PRIMARY KEY,
    draw integer NOT NULL CHECK (draw > 0),
    mode text NOT NULL CHECK (mode IN ('draw', 'fifo', 'list')),
    phase text NOT NULL CHECK (phase IN ('opening', 'gathering', 'late', 'over')),
    paused boolean NOT NULL DEFAULT false,
    rules text NOT NULL,
    rules_hash bytea NOT NULL,
    commitment bytea NOT NULL,
    seed bytea,
    root bytea,
    entries integer,
    order_key bytea,
    line_hash bytea,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    revision integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON COLUMN line.phase IS
    'what becomes of a join, which reads it FOR SHARE: refused until the event has the'
    ' opening in its journal, then an entrant, then late, then refused';
COMMENT ON COLUMN line.rules IS 'canonical JSON: hashed, so byte for byte';
COMMENT ON COLUMN line.seed IS 'secret until order_key is known; null where it is derived';
COMMENT ON COLUMN line.order_key IS 'K of the draw; who comes late is fed once it is here';

COMMENT ON COLUMN line.revision IS 'how often who manages the event changed it';

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
    step integer CHECK (step > 0),
    rank integer CHECK (rank > 0),
    paused boolean NOT NULL DEFAULT false,
    turn text,
    turn_until timestamptz,
    hold text COLLATE "C",
    ended text,
    over_at timestamptz,
    revision integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
COMMENT ON COLUMN line_entry.entry_id IS 'secret: whoever has it has the place';
COMMENT ON COLUMN line_entry.stub IS 'the public half';
COMMENT ON COLUMN line_entry.net IS 'stands for the network that it was made from';
COMMENT ON COLUMN line_entry.step IS
    'of late ones, in which step the feeder took it: from then on the event has the wish,'
    ' and is told who leaves; before, the row is';
COMMENT ON COLUMN line_entry.rank IS 'of a late one, set in the commit that fed it';
COMMENT ON COLUMN line_entry.turn IS 'why a turn was given; null where none was';
COMMENT ON COLUMN line_entry.revision IS 'how often its user changed it';
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

-- Late entries of the line get their ranks in the commit that feeds them. Parameters that
-- are new come last and may be left out, as those of the marks did.
DROP FUNCTION commit_batches(
    bigint, text[], bigint[], text[], bigint[], bigint[], text[], bigint[], bytea[],
    bytea[], text[], integer[], text[], text[], integer[], text[], text[],
    integer[], integer[], text[], text[], text[], text[], text[], bigint[], text[],
    text[], text[], text[], text[], text[], text[], bytea[], bigint[], bytea[],
    text[], text[], text[], text[], text[], text[], text[], text[], smallint[]
);

-- Commit the ready batches of many events, each fenced by (epoch, token, version) of its
-- head. An entry without a body only renews the lease, after the same check. The rows
-- below the heads name their event; those of an event that was not granted are left out.
-- Whatever is wrong with a granted event's rows raises, and nothing of the call is kept.
CREATE FUNCTION commit_batches(
    ttl_ms bigint,
    events text[], epochs bigint[], tokens text[], bases bigint[], tos bigint[],
    batch_ids text[], ats_ms bigint[], bodies bytea[], chains bytea[],
    freed_events text[], freed_seats integer[], freed_bookings text[],
    sold_events text[], sold_seats integer[], sold_bookings text[],
    area_events text[], area_indexes integer[], area_changes integer[],
    booking_events text[], booking_ids text[], booking_references text[],
    booking_users text[], booking_orders text[], booking_versions bigint[],
    booking_seats text[], booking_areas text[],
    cancelled_events text[], cancelled_ids text[],
    result_events text[], result_users text[], result_keys text[],
    result_hashes bytea[], result_versions bigint[], result_outcomes bytea[],
    settings_events text[], settings_json text[],
    booking_lines text[] DEFAULT NULL,
    reduced_events text[] DEFAULT NULL, reduced_ids text[] DEFAULT NULL,
    reduced_seats text[] DEFAULT NULL, reduced_areas text[] DEFAULT NULL,
    reduced_lines text[] DEFAULT NULL,
    batch_marks smallint[] DEFAULT NULL,
    ranked_events text[] DEFAULT NULL, ranked_stubs bytea[] DEFAULT NULL,
    ranked_ranks integer[] DEFAULT NULL
) RETURNS TABLE (
    event_id text, status text, epoch bigint, version bigint, now_ms bigint
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    granted text[];
    entire boolean;
    changed bigint;
BEGIN
    SELECT coalesce(array_agg(l.event_id), '{}') INTO granted FROM (
        SELECT h.event_id
        FROM unnest(events, epochs, tokens, bases) AS g(event, epoch, token, base)
        JOIN event_head h ON h.event_id = g.event AND h.epoch = g.epoch
            AND h.owner_token = g.token AND h.version = g.base
        ORDER BY h.event_id
        FOR NO KEY UPDATE OF h SKIP LOCKED
    ) l;
    entire := cardinality(granted) = cardinality(events);

    UPDATE event_head h SET
        version = g.upto,
        chain = coalesce(g.chain, h.chain),
        batch_id = coalesce(g.batch, h.batch_id),
        marked = CASE
            WHEN g.batch IS NULL THEN h.marked
            WHEN g.marks = 0 THEN coalesce(h.marked, h.version)
            ELSE g.upto END,
        lease_until = clock_timestamp() + ttl_ms * interval '1 ms'
    FROM unnest(events, tos, batch_ids, chains, batch_marks)
        AS g(event, upto, batch, chain, marks)
    WHERE h.event_id = g.event AND (entire OR g.event = ANY (granted));
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed <> cardinality(granted) THEN
        RAISE EXCEPTION '% heads locked, % moved', cardinality(granted), changed;
    END IF;

    INSERT INTO journal
        (event_id, from_version, to_version, batch_id, epoch, at, body, chain, marks)
    SELECT g.event, g.base, g.upto, g.batch, g.epoch,
        'epoch'::timestamptz + g.at_ms * interval '1 ms', g.body, g.chain, g.marks
    FROM unnest(
        events, bases, tos, batch_ids, epochs, ats_ms, bodies, chains, batch_marks
    ) AS g(event, base, upto, batch, epoch, at_ms, body, chain, marks)
    WHERE g.body IS NOT NULL AND (entire OR g.event = ANY (granted));

    IF cardinality(freed_events) > 0 THEN
        DELETE FROM sold s
        USING unnest(freed_events, freed_seats, freed_bookings)
            AS f(event, seat, booking)
        WHERE s.event_id = f.event AND s.seat = f.seat AND s.booking = f.booking
            AND (entire OR f.event = ANY (granted));
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> count_granted(freed_events, granted) THEN
            RAISE EXCEPTION 'a freed seat was not sold to its booking';
        END IF;
    END IF;

    IF cardinality(sold_events) > 0 THEN
        INSERT INTO sold (event_id, seat, booking)
        SELECT s.event, s.seat, s.booking
        FROM unnest(sold_events, sold_seats, sold_bookings) AS s(event, seat, booking)
        WHERE entire OR s.event = ANY (granted);
    END IF;

    -- Places that are new may be sold in the same call.
    IF cardinality(settings_events) > 0 THEN
        UPDATE area_sold a SET capacity = n.capacity
        FROM (
            SELECT s.event, (s.settings::jsonb ->> 'capacity')::integer
            FROM unnest(settings_events, settings_json) AS s(event, settings)
        ) AS n(event, capacity)
        WHERE a.event_id = n.event AND a.capacity < n.capacity
            AND (entire OR n.event = ANY (granted));
    END IF;

    IF cardinality(area_events) > 0 THEN
        UPDATE area_sold a SET sold = a.sold + c.change
        FROM unnest(area_events, area_indexes, area_changes) AS c(event, area, change)
        WHERE a.event_id = c.event AND a.area = c.area
            AND (entire OR c.event = ANY (granted));
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> count_granted(area_events, granted) THEN
            RAISE EXCEPTION 'an area is not of its event';
        END IF;
    END IF;

    IF cardinality(booking_events) > 0 THEN
        INSERT INTO booking (
            event_id, booking_id, reference, user_id, order_id, version, seats, areas,
            lines)
        SELECT b.event, b.id, b.reference, b.buyer, b.shop_order, b.version,
            b.seats::jsonb, b.areas::jsonb, b.lines
        FROM unnest(
            booking_events, booking_ids, booking_references, booking_users,
            booking_orders, booking_versions, booking_seats, booking_areas,
            booking_lines
        ) AS b(event, id, reference, buyer, shop_order, version, seats, areas, lines)
        WHERE entire OR b.event = ANY (granted);
    END IF;

    IF cardinality(reduced_events) > 0 THEN
        UPDATE booking b SET
            seats = r.seats::jsonb, areas = r.areas::jsonb, lines = r.lines
        FROM unnest(
            reduced_events, reduced_ids, reduced_seats, reduced_areas, reduced_lines
        ) AS r(event, id, seats, areas, lines)
        WHERE b.booking_id = r.id AND b.event_id = r.event AND b.cancelled_at IS NULL
            AND (entire OR r.event = ANY (granted));
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> count_granted(reduced_events, granted) THEN
            RAISE EXCEPTION 'a reduced booking was not there';
        END IF;
    END IF;

    IF cardinality(cancelled_events) > 0 THEN
        UPDATE booking b SET cancelled_at = now()
        FROM unnest(cancelled_events, cancelled_ids) AS c(event, id)
        WHERE b.booking_id = c.id AND b.event_id = c.event AND b.cancelled_at IS NULL
            AND (entire OR c.event = ANY (granted));
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> count_granted(cancelled_events, granted) THEN
            RAISE EXCEPTION 'a cancelled booking was not there';
        END IF;
    END IF;

    IF cardinality(ranked_events) > 0 THEN
        UPDATE line_entry e SET rank = r.rank
        FROM unnest(ranked_events, ranked_stubs, ranked_ranks) AS r(event, stub, rank)
        WHERE e.stub = r.stub AND e.event_id = r.event AND e.late AND e.step IS NOT NULL
            AND e.rank IS NULL AND e.over_at IS NULL
            AND (entire OR r.event = ANY (granted));
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> count_granted(ranked_events, granted) THEN
            RAISE EXCEPTION 'a place of the line was not there to be ranked';
        END IF;
    END IF;

    IF cardinality(result_events) > 0 THEN
        INSERT INTO command_result
            (event_id, user_id, key, request_hash, version, outcome)
        SELECT r.event, r.asker, r.key, r.hash, r.version, r.outcome
        FROM unnest(
            result_events, result_users, result_keys, result_hashes,
            result_versions, result_outcomes
        ) AS r(event, asker, key, hash, version, outcome)
        WHERE entire OR r.event = ANY (granted);
    END IF;

    IF cardinality(settings_events) > 0 THEN
        UPDATE event e SET
            settings = n.settings,
            name = n.settings ->> 'name',
            status = n.settings ->> 'sale_state',
            starts_at = 'epoch'::timestamptz
                + (n.settings ->> 'starts_at_ms')::bigint * interval '1 ms',
            deleted_at = CASE WHEN (n.settings ->> 'deleted')::boolean
                THEN coalesce(e.deleted_at, now()) END
        FROM (
            SELECT s.event, s.settings::jsonb
            FROM unnest(settings_events, settings_json) AS s(event, settings)
        ) AS n(event, settings)
        WHERE e.event_id = n.event AND (entire OR n.event = ANY (granted));
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> count_granted(settings_events, granted) THEN
            RAISE EXCEPTION 'settings of an event that is not there';
        END IF;
        -- And those that go may have been given back in it.
        UPDATE area_sold a SET capacity = n.capacity
        FROM (
            SELECT s.event, (s.settings::jsonb ->> 'capacity')::integer
            FROM unnest(settings_events, settings_json) AS s(event, settings)
        ) AS n(event, capacity)
        WHERE a.event_id = n.event AND a.capacity > n.capacity
            AND (entire OR n.event = ANY (granted));
    END IF;

    RETURN QUERY SELECT g.event, 'committed', g.epoch, g.upto, clock_ms()
    FROM unnest(events, epochs, tos) AS g(event, epoch, upto)
    WHERE entire OR g.event = ANY (granted);
    IF NOT entire THEN
        -- A head that still looks as expected was only locked by somebody: 'busy'.
        RETURN QUERY SELECT g.event,
            CASE WHEN h.epoch = g.epoch AND h.owner_token = g.token
                AND h.version = g.base THEN 'busy' ELSE 'fenced' END,
            h.epoch, h.version, clock_ms()
        FROM unnest(events, epochs, tokens, bases) AS g(event, epoch, token, base)
        LEFT JOIN event_head h ON h.event_id = g.event
        WHERE g.event <> ALL (granted);
    END IF;
END $$;
