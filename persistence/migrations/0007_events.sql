-- What events are found by, shown with and sorted by; when a sale moves by itself; venues
-- that take one event at a time; images.

CREATE FUNCTION event_words(
    name text, venue text, category text, tags text[], description text
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('simple', name), 'A')
    || setweight(to_tsvector('simple',
        coalesce(category, '') || ' ' || array_to_string(tags, ' ')), 'B')
    || setweight(to_tsvector('simple', venue), 'C')
    || setweight(to_tsvector('simple', description), 'D');

-- Milliseconds of the moment at which the actor has something to do by itself: open the
-- sale, close it, or complete the event. Null where it has nothing.
CREATE FUNCTION event_due_ms(status text, settings jsonb, deleted_at timestamptz)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN deleted_at IS NULL THEN least(
    CASE WHEN status = 'scheduled' THEN (settings ->> 'on_sale_at_ms')::bigint END,
    CASE WHEN status IN ('scheduled', 'on_sale', 'paused')
        THEN (settings ->> 'off_sale_at_ms')::bigint END,
    CASE WHEN status IN ('scheduled', 'on_sale', 'paused', 'closed')
        THEN (settings ->> 'completes_at_ms')::bigint END
) END;

CREATE TABLE image (
    image_id text COLLATE "C" PRIMARY KEY,
    width integer NOT NULL,
    height integer NOT NULL,
    sizes jsonb NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE image IS 'what is stored as files elsewhere: see server.images';

CREATE TABLE image_garbage (
    image_id text COLLATE "C" PRIMARY KEY,
    due_at timestamptz NOT NULL
);
COMMENT ON TABLE image_garbage IS
    'images whose files go when they are due: those that nobody shows any more, and those
    of an upload that has not ended';
CREATE INDEX image_garbage_due ON image_garbage (due_at);

ALTER TABLE event
    ADD COLUMN description text NOT NULL DEFAULT '',
    ADD COLUMN category text,
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    ADD COLUMN image_id text COLLATE "C" REFERENCES image,
    ADD COLUMN venue_name text NOT NULL DEFAULT '',
    ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS
        (event_words(name, venue_name, category, tags, description)) STORED,
    ADD COLUMN due_ms bigint GENERATED ALWAYS AS
        (event_due_ms(status, settings, deleted_at)) STORED;
COMMENT ON COLUMN event.description IS
    'of the catalogue alone, as are category, tags and image: no journal knows them';
COMMENT ON COLUMN event.venue_name IS 'a copy for the search; venues keep their names';
UPDATE event e SET venue_name = v.name
FROM venue v WHERE v.venue_id = e.venue_id AND v.capacity IS NULL;

CREATE INDEX event_words ON event USING gin (words);
CREATE INDEX event_tags ON event USING gin (tags);
CREATE INDEX event_category ON event (lower(category), starts_at, event_id)
    WHERE deleted_at IS NULL;
CREATE INDEX event_venue ON event (venue_id, starts_at, event_id)
    WHERE deleted_at IS NULL;
CREATE INDEX event_names ON event (lower(name) COLLATE "C", event_id)
    WHERE deleted_at IS NULL;
CREATE INDEX event_made ON event (created_at, event_id) WHERE deleted_at IS NULL;
CREATE INDEX event_due ON event (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX event_image ON event (image_id) WHERE image_id IS NOT NULL;

-- Names that contain a text are found through this where the extension may be had, and
-- by reading all names where not.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX event_name_parts ON event USING gin (lower(name) gin_trgm_ops);
EXCEPTION
    WHEN insufficient_privilege OR feature_not_supported OR undefined_file
        OR undefined_object THEN
        RAISE NOTICE 'pg_trgm cannot be had: %', SQLERRM;
END $$;

-- Kept a few seconds old by the servers, so that no sale pays for the ranking.
CREATE TABLE event_popularity (
    event_id text COLLATE "C" PRIMARY KEY REFERENCES event ON DELETE CASCADE,
    version bigint NOT NULL DEFAULT 0,
    registrations bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
COMMENT ON COLUMN event_popularity.registrations IS
    'seats and places booked as of this version of the event';
CREATE INDEX event_popularity_rank ON event_popularity (registrations, event_id);
INSERT INTO event_popularity (event_id, version) SELECT event_id, -1 FROM event;

-- One event at a time in a venue that is exclusive. What an event is set to changes with
-- its journal, which must not fail for want of a place: so the time is taken here before.
ALTER TABLE venue ADD COLUMN exclusive boolean NOT NULL DEFAULT false;

CREATE FUNCTION event_period(settings jsonb) RETURNS tstzmultirange
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN tstzmultirange(tstzrange(
    to_timestamp((settings ->> 'starts_at_ms')::bigint / 1000.0),
    to_timestamp(coalesce(
        (settings ->> 'ends_at_ms')::bigint,
        (settings ->> 'starts_at_ms')::bigint + 10800000) / 1000.0)));
COMMENT ON FUNCTION event_period IS 'without an end it is three hours';

CREATE TABLE venue_time (
    event_id text COLLATE "C" PRIMARY KEY REFERENCES event ON DELETE CASCADE,
    venue_id text COLLATE "C" NOT NULL REFERENCES venue,
    place int8range NOT NULL GENERATED ALWAYS AS (int8range(
        hashtextextended(venue_id, 0), hashtextextended(venue_id, 0), '[]')) STORED,
    during tstzmultirange NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT venue_is_taken EXCLUDE USING gist (place WITH &&, during WITH &&)
);
COMMENT ON COLUMN venue_time.place IS
    'the venue as a range, which GiST compares without an extension';
COMMENT ON COLUMN venue_time.during IS
    'while an event moves, its old time and its new one';
CREATE INDEX venue_time_of_venue ON venue_time (venue_id);

CREATE TABLE event_edit (
    event_id text COLLATE "C" NOT NULL REFERENCES event ON DELETE CASCADE,
    user_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, user_id, key)
);
COMMENT ON TABLE event_edit IS 'the idempotency keys of what is edited beside the journal';
