-- Whose a venue is, where whoever leads an organisation made it for that.
ALTER TABLE venue
    ADD COLUMN organisation_id text COLLATE "C" REFERENCES organisation;
COMMENT ON COLUMN venue.organisation_id IS 'who made it; events of anybody may be there';
CREATE INDEX venue_of_organisation ON venue (organisation_id)
    WHERE organisation_id IS NOT NULL;
