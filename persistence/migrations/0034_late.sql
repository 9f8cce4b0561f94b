-- What becomes of money that comes after an order's time is over, as its event says.

ALTER TABLE event ADD COLUMN late text NOT NULL DEFAULT 'same'
    CHECK (late IN ('same', 'refund'));
COMMENT ON COLUMN event.late IS 'read when an order is made, and frozen in it';

DROP TRIGGER event_details_revision ON event;
CREATE TRIGGER event_details_revision
    BEFORE UPDATE OF description, category, tags, image_id, fees, tax, late ON event
    FOR EACH ROW
    WHEN ((OLD.description, OLD.category, OLD.tags, OLD.image_id, OLD.fees, OLD.tax,
            OLD.late)
        IS DISTINCT FROM
        (NEW.description, NEW.category, NEW.tags, NEW.image_id, NEW.fees, NEW.tax,
            NEW.late))
    EXECUTE FUNCTION count_details_revision();
