-- Letters carry files, such as one for calendars. What was sent forgets them, as it does
-- the text.
ALTER TABLE mail ADD COLUMN attachments jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN mail.attachments IS 'name, media_type and text of each';

-- Nobody is told now of what was booked before there were such letters.
INSERT INTO follower (name, event_id, version, at)
SELECT 'notices', event_id, version, now() FROM event_head WHERE version > 0;
