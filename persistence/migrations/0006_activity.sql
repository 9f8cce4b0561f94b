-- Who did what: one row per call that writes, kept for a while; and accounts that an
-- administrator suspends.

-- One partition a month, which the servers make ahead of time and drop when they are over.
-- The time is the record's own, given when the call was made: a record that is brought a
-- second time meets the first one in the same partition.
CREATE TABLE activity (
    activity_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor text COLLATE "C",
    role text,
    method text NOT NULL,
    route text COLLATE "C" NOT NULL,
    event_id text COLLATE "C",
    organisation_id text COLLATE "C",
    objects jsonb NOT NULL,
    status smallint NOT NULL,
    code text,
    request_id text NOT NULL,
    address text NOT NULL,
    duration_ms real NOT NULL,
    details jsonb NOT NULL,
    PRIMARY KEY (at, activity_id)
) PARTITION BY RANGE (at);
COMMENT ON COLUMN activity.actor IS 'a user or an API key; null for a stranger';
COMMENT ON COLUMN activity.route IS 'the template, never the path: that may hold a secret';
COMMENT ON COLUMN activity.status IS '499: the client was gone before there was an answer';
COMMENT ON COLUMN activity.address IS 'the network that the call came from, not the host';
COMMENT ON COLUMN activity.details IS 'what changed, where the call tells; never a secret';
CREATE INDEX activity_of_actor ON activity (actor, at, activity_id)
    WHERE actor IS NOT NULL;
CREATE INDEX activity_of_event ON activity (event_id, at, activity_id)
    WHERE event_id IS NOT NULL;
CREATE INDEX activity_of_organisation ON activity (organisation_id, at, activity_id)
    WHERE organisation_id IS NOT NULL;
CREATE INDEX activity_of_route ON activity (route, at, activity_id);
CREATE INDEX activity_refused ON activity (at, activity_id) WHERE status >= 400;

ALTER TABLE account
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN suspended_reason text,
    ADD CONSTRAINT account_is_suspended_for_a_reason
        CHECK ((suspended_at IS NULL) = (suspended_reason IS NULL)),
    ADD CONSTRAINT account_is_suspended_or_deleted
        CHECK (suspended_at IS NULL OR deleted_at IS NULL);
COMMENT ON COLUMN account.suspended_at IS 'since then nobody signs in with it';
CREATE INDEX account_made ON account (created_at, user_id) WHERE deleted_at IS NULL;
CREATE INDEX account_admin ON account (user_id) WHERE role = 'admin';
