-- Venues that are edited, copied and deleted.

ALTER TABLE venue
    ADD COLUMN address text,
    ADD COLUMN lat double precision,
    ADD COLUMN lon double precision,
    ADD COLUMN revision bigint NOT NULL DEFAULT 0,
    ADD COLUMN deleted_at timestamptz,
    ADD CONSTRAINT venue_coordinates CHECK ((lat IS NULL) = (lon IS NULL));
COMMENT ON COLUMN venue.map IS
    'VenueMap as JSON; never changed while there is an event that was made from it';
COMMENT ON COLUMN venue.revision IS 'how often it was edited';
COMMENT ON COLUMN venue.deleted_at IS
    'kept for events that were deleted, whose journals are read with its map';
DROP INDEX venue_list;
CREATE INDEX venue_list ON venue (created_at, venue_id)
    WHERE capacity IS NULL AND deleted_at IS NULL;
