-- Everything that survives a restart.
--
-- Ids are compared byte by byte (COLLATE "C"): locks are taken in the order in which
-- Python sorts them, and comparisons are cheap. Nothing may reference event_head by a
-- foreign key: its row lock is the owner's alone.

CREATE TABLE venue (
    venue_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    map bytea NOT NULL,
    seats integer NOT NULL,
    area_capacities integer[] NOT NULL,
    categories jsonb NOT NULL,
    capacity integer,
    created_by text NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN venue.map IS 'VenueMap as JSON; never changed';
COMMENT ON COLUMN venue.capacity IS
    'set where the venue is the one area of an event that has only a capacity; unlisted';
CREATE INDEX venue_list ON venue (created_at, venue_id) WHERE capacity IS NULL;

CREATE TABLE event (
    event_id text COLLATE "C" PRIMARY KEY,
    venue_id text COLLATE "C" NOT NULL REFERENCES venue,
    initial_settings jsonb NOT NULL,
    settings jsonb NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    starts_at timestamptz NOT NULL,
    created_by text NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
COMMENT ON COLUMN event.initial_settings IS 'what replay begins with at version 0';
COMMENT ON COLUMN event.settings IS 'as of the head; name, status, starts_at follow it';
CREATE INDEX event_list ON event (starts_at, event_id) WHERE deleted_at IS NULL;

CREATE TABLE event_head (
    event_id text COLLATE "C" PRIMARY KEY,
    history_id text NOT NULL DEFAULT gen_random_uuid(),
    server_line text NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    owner_token text COLLATE "C",
    owner_address text,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    version bigint NOT NULL DEFAULT 0,
    chain bytea NOT NULL DEFAULT '',
    batch_id text COLLATE "C"
) WITH (
    -- Every commit updates its head: room for the new row version on the same page keeps
    -- these updates out of the index (HOT), and dead versions are cleared early.
    fillfactor = 30,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON COLUMN event_head.server_line IS
    'the server and timeline that wrote this history; see server_line()';

CREATE TABLE journal (
    event_id text COLLATE "C" NOT NULL,
    from_version bigint NOT NULL,
    to_version bigint NOT NULL CHECK (to_version > from_version),
    batch_id text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    at timestamptz NOT NULL,
    body bytea NOT NULL,
    chain bytea NOT NULL,
    PRIMARY KEY (event_id, to_version)
);

CREATE TABLE snapshot (
    event_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    epoch bigint NOT NULL,
    body bytea NOT NULL,
    state_hash bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sold (
    event_id text COLLATE "C" NOT NULL,
    seat integer NOT NULL,
    booking text COLLATE "C" NOT NULL,
    PRIMARY KEY (event_id, seat)
);
COMMENT ON TABLE sold IS
    'the second lock on the door: a seat sold twice cannot be stored';

CREATE TABLE area_sold (
    event_id text COLLATE "C" NOT NULL,
    area integer NOT NULL,
    sold integer NOT NULL DEFAULT 0,
    capacity integer NOT NULL,
    CHECK (sold BETWEEN 0 AND capacity),
    PRIMARY KEY (event_id, area)
) WITH (fillfactor = 50);

CREATE TABLE booking (
    booking_id text COLLATE "C" PRIMARY KEY,
    event_id text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL UNIQUE,
    user_id text COLLATE "C" NOT NULL,
    order_id text,
    version bigint NOT NULL,
    seats jsonb NOT NULL,
    areas jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    cancelled_at timestamptz
) WITH (fillfactor = 90);
CREATE INDEX booking_of_user ON booking (user_id, created_at, booking_id);
CREATE INDEX booking_of_event ON booking (event_id, version);

CREATE TABLE command_result (
    event_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    version bigint NOT NULL,
    outcome bytea NOT NULL,
    PRIMARY KEY (event_id, user_id, key)
);

CREATE TABLE signing_key (
    kid text PRIMARY KEY,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE account (
    user_id text COLLATE "C" PRIMARY KEY,
    email text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX account_email ON account (lower(email));


CREATE FUNCTION clock_ms() RETURNS bigint LANGUAGE sql VOLATILE
RETURN floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint;

-- Which history this server continues. After a restore or a failover the committed past
-- may be another one; acquire and fence compare, and give the event a new history_id.
CREATE FUNCTION server_line() RETURNS text LANGUAGE sql VOLATILE
RETURN (SELECT system_identifier FROM pg_control_system())::text
    || ':' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);

CREATE FUNCTION count_granted(events text[], granted text[]) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN (SELECT count(*) FROM unnest(events) e WHERE e = ANY (granted));


-- Take an event whose lease is over. Never waits for a row lock: a head that is locked
-- is being committed to, so its owner lives. Asking again with the same token gives the
-- same epoch, so that a lost answer, or a late copy of the question, does no harm.
CREATE FUNCTION acquire_head(event text, token text, address text, ttl_ms bigint)
RETURNS TABLE (
    status text, history_id text, epoch bigint, version bigint, chain bytea, now_ms bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM event_head h
    WHERE h.event_id = event
        AND (h.owner_token IS NULL OR h.owner_token = token
            OR h.lease_until <= clock_timestamp())
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        PERFORM FROM event_head h WHERE h.event_id = event;
        RETURN QUERY SELECT CASE WHEN FOUND THEN 'taken' ELSE 'missing' END,
            NULL::text, NULL::bigint, NULL::bigint, NULL::bytea, clock_ms();
        RETURN;
    END IF;
    RETURN QUERY UPDATE event_head h SET
        epoch = CASE WHEN h.owner_token = token THEN h.epoch ELSE h.epoch + 1 END,
        owner_token = token,
        owner_address = address,
        lease_until = clock_timestamp() + ttl_ms * interval '1 ms',
        history_id = CASE WHEN h.server_line = server_line()
            THEN h.history_id ELSE gen_random_uuid()::text END,
        server_line = server_line()
    WHERE h.event_id = event
    RETURNING 'acquired', h.history_id, h.epoch, h.version, h.chain, clock_ms();
END $$;


-- Bump the epochs of these events, so that no late write of the old epoch can commit. A
-- locked head is 'busy': the old statement may still be running, ask again. The new epoch
-- is the old one plus 1 however often the same question arrives: an owner who already
-- goes on under it is not shut out by a late copy.
CREATE FUNCTION fence_heads(
    events text[], epochs bigint[], tokens text[], new_tokens text[], ttl_ms bigint
) RETURNS TABLE (
    event_id text, status text, history_id text, epoch bigint, version bigint,
    chain bytea, batch_id text, now_ms bigint
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    granted text[];
BEGIN
    SELECT array_agg(l.event_id) INTO granted FROM (
        SELECT h.event_id
        FROM unnest(events, epochs, tokens, new_tokens) AS g(event, epoch, token, new)
        JOIN event_head h ON h.event_id = g.event
            AND (h.epoch = g.epoch AND h.owner_token = g.token
                OR h.epoch = g.epoch + 1 AND h.owner_token = g.new)
        ORDER BY h.event_id
        FOR NO KEY UPDATE OF h SKIP LOCKED
    ) l;
    RETURN QUERY UPDATE event_head h SET
        epoch = g.epoch + 1,
        owner_token = g.new,
        lease_until = clock_timestamp() + ttl_ms * interval '1 ms',
        history_id = CASE WHEN h.server_line = server_line()
            THEN h.history_id ELSE gen_random_uuid()::text END,
        server_line = server_line()
    FROM unnest(events, epochs, new_tokens) AS g(event, epoch, new)
    WHERE h.event_id = g.event AND g.event = ANY (granted)
    RETURNING h.event_id, 'fenced', h.history_id, h.epoch, h.version, h.chain,
        h.batch_id, clock_ms();
    -- What was skipped is looked at afresh: still ours means locked, else lost.
    RETURN QUERY SELECT g.event,
        CASE WHEN h.epoch = g.epoch AND h.owner_token = g.token
                OR h.epoch = g.epoch + 1 AND h.owner_token = g.new
            THEN 'busy' ELSE 'lost' END,
        h.history_id, h.epoch, h.version, h.chain, h.batch_id, clock_ms()
    FROM unnest(events, epochs, tokens, new_tokens) AS g(event, epoch, token, new)
    LEFT JOIN event_head h ON h.event_id = g.event
    WHERE granted IS NULL OR g.event <> ALL (granted);
END $$;


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
    settings_events text[], settings_json text[]
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
        lease_until = clock_timestamp() + ttl_ms * interval '1 ms'
    FROM unnest(events, tos, batch_ids, chains) AS g(event, upto, batch, chain)
    WHERE h.event_id = g.event AND (entire OR g.event = ANY (granted));
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed <> cardinality(granted) THEN
        RAISE EXCEPTION '% heads locked, % moved', cardinality(granted), changed;
    END IF;

    INSERT INTO journal
        (event_id, from_version, to_version, batch_id, epoch, at, body, chain)
    SELECT g.event, g.base, g.upto, g.batch, g.epoch,
        'epoch'::timestamptz + g.at_ms * interval '1 ms', g.body, g.chain
    FROM unnest(events, bases, tos, batch_ids, epochs, ats_ms, bodies, chains)
        AS g(event, base, upto, batch, epoch, at_ms, body, chain)
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
            event_id, booking_id, reference, user_id, order_id, version, seats, areas)
        SELECT b.event, b.id, b.reference, b.buyer, b.shop_order, b.version,
            b.seats::jsonb, b.areas::jsonb
        FROM unnest(
            booking_events, booking_ids, booking_references, booking_users,
            booking_orders, booking_versions, booking_seats, booking_areas
        ) AS b(event, id, reference, buyer, shop_order, version, seats, areas)
        WHERE entire OR b.event = ANY (granted);
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
