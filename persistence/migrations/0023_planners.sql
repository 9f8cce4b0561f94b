-- Who may plan at a venue that takes one event at a time; and drafts take no time there.
ALTER TABLE venue ADD COLUMN planners text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN venue.planners IS
    'organisations that may plan there beside its own, while it is exclusive';
DELETE FROM venue_time t USING event e
WHERE e.event_id = t.event_id AND e.status = 'draft';
COMMENT ON TABLE venue_time IS
    'taken when an event is published; of a draft only while that is under way';

-- What is counted of an account that has no organisation for it.
CREATE INDEX venue_of_maker ON venue (created_by)
    WHERE organisation_id IS NULL AND capacity IS NULL;
CREATE INDEX event_of_maker ON event (created_by)
    WHERE organisation_id IS NULL AND deleted_at IS NULL;
