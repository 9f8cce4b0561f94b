-- The IANA zones of venues and organisations, which new events take over; an event has
-- its own in its settings.
ALTER TABLE venue ADD COLUMN timezone text;
COMMENT ON COLUMN venue.timezone IS 'IANA zone of the events there that name none';
ALTER TABLE organisation ADD COLUMN timezone text;
COMMENT ON COLUMN organisation.timezone IS
    'IANA zone of its events that name none, at venues without one';
