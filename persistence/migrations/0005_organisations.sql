-- Organisations: who sells together, who may do what, and the machines that act for
-- them.

CREATE TABLE organisation (
    organisation_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
COMMENT ON COLUMN organisation.deleted_at IS
    'its row stays, because events that are over name it';
CREATE INDEX organisation_list ON organisation (created_at, organisation_id)
    WHERE deleted_at IS NULL;

-- Whoever changes owners locks the organisation's row first: so one always stays.
CREATE TABLE organisation_member (
    organisation_id text COLLATE "C" NOT NULL REFERENCES organisation,
    user_id text COLLATE "C" NOT NULL REFERENCES account,
    role text NOT NULL CHECK (role IN ('owner', 'leader', 'staff')),
    joined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, user_id)
);
CREATE INDEX organisation_member_of_user ON organisation_member (user_id);

CREATE TABLE organisation_invitation (
    invitation_id text COLLATE "C" PRIMARY KEY,
    organisation_id text COLLATE "C" NOT NULL REFERENCES organisation,
    email text NOT NULL,
    role text NOT NULL CHECK (role IN ('leader', 'staff')),
    code_hash bytea NOT NULL UNIQUE CHECK (length(code_hash) = 32),
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'accepted', 'declined', 'withdrawn')),
    invited_by text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    answered_at timestamptz,
    answered_by text COLLATE "C",
    CHECK ((state = 'pending') = (answered_at IS NULL))
);
COMMENT ON COLUMN organisation_invitation.code_hash IS
    'SHA-256; the code is in a mail and stored nowhere else for longer';
CREATE UNIQUE INDEX organisation_invitation_pending
    ON organisation_invitation (organisation_id, lower(email)) WHERE state = 'pending';
CREATE INDEX organisation_invitation_email ON organisation_invitation (lower(email));
CREATE INDEX organisation_invitation_list
    ON organisation_invitation (organisation_id, created_at, invitation_id);

CREATE TABLE join_request (
    request_id text COLLATE "C" PRIMARY KEY,
    organisation_id text COLLATE "C" NOT NULL REFERENCES organisation,
    user_id text COLLATE "C" NOT NULL REFERENCES account,
    message text NOT NULL,
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'accepted', 'declined', 'withdrawn')),
    created_at timestamptz NOT NULL DEFAULT now(),
    answered_at timestamptz,
    answered_by text COLLATE "C",
    CHECK ((state = 'pending') = (answered_at IS NULL))
);
CREATE UNIQUE INDEX join_request_pending
    ON join_request (organisation_id, user_id) WHERE state = 'pending';
CREATE INDEX join_request_list
    ON join_request (organisation_id, created_at, request_id);
CREATE INDEX join_request_of_user ON join_request (user_id, created_at, request_id);

CREATE TABLE api_key (
    key_id text COLLATE "C" PRIMARY KEY,
    organisation_id text COLLATE "C" NOT NULL REFERENCES organisation,
    name text NOT NULL,
    prefix text COLLATE "C" NOT NULL UNIQUE,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    old_hash bytea CHECK (length(old_hash) = 32),
    old_until timestamptz,
    scopes text[] NOT NULL,
    owners_only boolean NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    rotated_at timestamptz,
    rotation text COLLATE "C",
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    CHECK (num_nulls(old_hash, old_until) IN (0, 2))
);
COMMENT ON COLUMN api_key.prefix IS 'finds the key; it is shown, and proves nothing';
COMMENT ON COLUMN api_key.hash IS
    'SHA-256 of 256 random bits, which need no slow hash; shown once, stored nowhere';
COMMENT ON COLUMN api_key.old_hash IS
    'what it was before it was rotated, good until old_until';
COMMENT ON COLUMN api_key.owners_only IS 'an owner made it, so no leader may touch it';
COMMENT ON COLUMN api_key.rotation IS 'the idempotency key of the last rotation';
CREATE INDEX api_key_list ON api_key (organisation_id, created_at, key_id);

CREATE TABLE announcement (
    announcement_id text COLLATE "C" PRIMARY KEY,
    organisation_id text COLLATE "C" NOT NULL REFERENCES organisation,
    audience text NOT NULL CHECK (audience IN ('members', 'ticket_holders')),
    event_id text COLLATE "C" REFERENCES event,
    subject text NOT NULL,
    body text NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    reached text COLLATE "C" NOT NULL DEFAULT '',
    recipients integer NOT NULL DEFAULT 0,
    without_email integer NOT NULL DEFAULT 0,
    written_at timestamptz,
    CHECK ((audience = 'ticket_holders') = (event_id IS NOT NULL))
);
COMMENT ON COLUMN announcement.reached IS
    'whoever comes up to here has a mail: a member by id, a ticket holder by version';
COMMENT ON COLUMN announcement.written_at IS 'all its mails are in the outbox since';
CREATE INDEX announcement_list
    ON announcement (organisation_id, created_at, announcement_id);
CREATE INDEX announcement_unwritten ON announcement (created_at)
    WHERE written_at IS NULL;

ALTER TABLE mail ADD COLUMN announcement_id text COLLATE "C";
COMMENT ON COLUMN mail.announcement_id IS
    'set for one of many: what somebody waits for goes first';
CREATE INDEX mail_due_first ON mail (due_at)
    WHERE sent_at IS NULL AND failed_at IS NULL AND announcement_id IS NULL;
CREATE INDEX mail_of_announcement ON mail (announcement_id)
    WHERE announcement_id IS NOT NULL AND sent_at IS NULL;

-- Set once, when the event is made; a commit of the event's settings leaves it alone.
ALTER TABLE event ADD COLUMN organisation_id text COLLATE "C" REFERENCES organisation;
CREATE INDEX event_of_organisation ON event (organisation_id, starts_at, event_id)
    WHERE organisation_id IS NOT NULL AND deleted_at IS NULL;
