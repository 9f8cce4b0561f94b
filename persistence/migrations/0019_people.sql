-- Addresses that are to be confirmed first, people of the house, organisations that are
-- listed, announcements that are edited and deleted.

ALTER TABLE account
    ADD COLUMN pending_email text,
    ADD CONSTRAINT account_pending_is_somebodys CHECK (
        pending_email IS NULL OR deleted_at IS NULL);
COMMENT ON COLUMN account.pending_email IS
    'what email is to be, once a code that was sent there is shown';

-- Whom an organisation, or an organiser without one, knows, whatever they register for.
CREATE TABLE person (
    person_id text COLLATE "C" PRIMARY KEY,
    keeper_id text COLLATE "C" NOT NULL,
    organisation_id text COLLATE "C" REFERENCES organisation,
    email text NOT NULL,
    email_key text COLLATE "C" NOT NULL,
    name text NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    words tsvector NOT NULL GENERATED ALWAYS AS
        (person_words(name, email, email_key)) STORED,
    CHECK (organisation_id IS NULL OR organisation_id = keeper_id)
);
COMMENT ON COLUMN person.keeper_id IS
    'whose they are, who may see them: an organisation, or a user where there is none';
CREATE UNIQUE INDEX person_address ON person (keeper_id, email_key);
CREATE INDEX person_list ON person (created_at, person_id);
CREATE INDEX person_list_of_keeper ON person (keeper_id, created_at, person_id);
CREATE INDEX person_words ON person USING gin (words);

ALTER TABLE attendee
    ADD COLUMN person_id text COLLATE "C" REFERENCES person ON DELETE SET NULL;
COMMENT ON COLUMN attendee.person_id IS
    'who was registered by id; the address and the name are those of that moment';
CREATE INDEX attendee_of_person ON attendee (person_id) WHERE person_id IS NOT NULL;

ALTER TABLE organisation ADD COLUMN listed boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN organisation.listed IS 'whether strangers find it by its name';

ALTER TABLE announcement
    ADD COLUMN footer text NOT NULL DEFAULT '',
    ADD COLUMN edited_at timestamptz,
    ADD COLUMN deleted_at timestamptz,
    ADD CONSTRAINT announcement_deleted_is_empty CHECK (
        deleted_at IS NULL OR subject = '' AND body = '' AND written_at IS NOT NULL);
COMMENT ON COLUMN announcement.footer IS
    'what its mails say below: who sends it, and why to them';
UPDATE announcement SET footer = substring(body FROM '\n\n--\n[^\n]+\n$'),
    body = regexp_replace(body, '\n\n--\n[^\n]+\n$', '')
WHERE body ~ '\n\n--\n[^\n]+\n$';
COMMENT ON COLUMN announcement.deleted_at IS
    'its row stays, so that it counts for its day and is not made again';
CREATE INDEX announcement_of_event ON announcement (event_id, created_at)
    WHERE deleted_at IS NULL AND event_id IS NOT NULL;
