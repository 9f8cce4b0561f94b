-- Refresh tokens that two tabs show at once, calendars that follow an event's changes,
-- captions of images.

ALTER TABLE refresh_token
    ADD COLUMN salt bytea,
    ADD COLUMN followed_by bytea;
COMMENT ON COLUMN refresh_token.salt IS
    'what its successor was made of, together with the token, which is stored nowhere';
COMMENT ON COLUMN refresh_token.followed_by IS 'the hash of its successor';

ALTER TABLE event
    ADD COLUMN calendar_sequence integer NOT NULL DEFAULT 0,
    ADD COLUMN calendar_changed_at timestamptz;
COMMENT ON COLUMN event.calendar_sequence IS
    'how often changed what a calendar may show, whoever changed it';
COMMENT ON COLUMN event.calendar_changed_at IS 'the last time; null where it never was';

CREATE FUNCTION note_calendar_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.calendar_sequence := OLD.calendar_sequence + 1;
    NEW.calendar_changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER event_calendar
    BEFORE UPDATE OF settings, description, category, tags, venue_name ON event
    FOR EACH ROW
    WHEN ((OLD.settings, OLD.description, OLD.category, OLD.tags, OLD.venue_name)
        IS DISTINCT FROM
        (NEW.settings, NEW.description, NEW.category, NEW.tags, NEW.venue_name))
    EXECUTE FUNCTION note_calendar_change();

ALTER TABLE image ADD COLUMN caption text NOT NULL DEFAULT '';
