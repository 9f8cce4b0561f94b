-- How often was changed what clients may edit of a row: what `If-Match` compares. The
-- database counts, so that no statement can forget to.

CREATE FUNCTION count_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END $$;

ALTER TABLE organisation ADD COLUMN revision bigint NOT NULL DEFAULT 0;
CREATE TRIGGER organisation_revision
    BEFORE UPDATE OF name, description, timezone, listed ON organisation FOR EACH ROW
    WHEN ((OLD.name, OLD.description, OLD.timezone, OLD.listed) IS DISTINCT FROM
        (NEW.name, NEW.description, NEW.timezone, NEW.listed))
    EXECUTE FUNCTION count_revision();

ALTER TABLE organisation_member ADD COLUMN revision bigint NOT NULL DEFAULT 0;
CREATE TRIGGER organisation_member_revision
    BEFORE UPDATE OF role ON organisation_member FOR EACH ROW
    WHEN (OLD.role IS DISTINCT FROM NEW.role)
    EXECUTE FUNCTION count_revision();

ALTER TABLE account ADD COLUMN revision bigint NOT NULL DEFAULT 0;
CREATE TRIGGER account_revision
    BEFORE UPDATE OF name, email, pending_email, role, suspended_at, suspended_reason
    ON account FOR EACH ROW
    WHEN ((OLD.name, OLD.email, OLD.pending_email, OLD.role, OLD.suspended_at,
            OLD.suspended_reason)
        IS DISTINCT FROM
        (NEW.name, NEW.email, NEW.pending_email, NEW.role, NEW.suspended_at,
            NEW.suspended_reason))
    EXECUTE FUNCTION count_revision();

ALTER TABLE announcement ADD COLUMN revision bigint NOT NULL DEFAULT 0;
CREATE TRIGGER announcement_revision
    BEFORE UPDATE OF subject, body ON announcement FOR EACH ROW
    WHEN ((OLD.subject, OLD.body) IS DISTINCT FROM (NEW.subject, NEW.body))
    EXECUTE FUNCTION count_revision();

ALTER TABLE api_key ADD COLUMN revision bigint NOT NULL DEFAULT 0;
CREATE TRIGGER api_key_revision
    BEFORE UPDATE OF hash, revoked_at ON api_key FOR EACH ROW
    WHEN ((OLD.hash, OLD.revoked_at) IS DISTINCT FROM (NEW.hash, NEW.revoked_at))
    EXECUTE FUNCTION count_revision();

-- An event's settings count their own changes, because its actor decides about them;
-- this counts the changes of what stands beside the journal.
ALTER TABLE event ADD COLUMN details_revision bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN event.details_revision IS
    'its revision is this and the revision in its settings, added up';

CREATE FUNCTION count_details_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.details_revision := OLD.details_revision + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER event_details_revision
    BEFORE UPDATE OF description, category, tags, image_id ON event FOR EACH ROW
    WHEN ((OLD.description, OLD.category, OLD.tags, OLD.image_id) IS DISTINCT FROM
        (NEW.description, NEW.category, NEW.tags, NEW.image_id))
    EXECUTE FUNCTION count_details_revision();
