-- What buyers ask of organisers.
CREATE TABLE support_ticket (
    ticket_id text COLLATE "C" PRIMARY KEY,
    organisation_id text COLLATE "C" REFERENCES organisation,
    event_id text COLLATE "C" REFERENCES event,
    user_id text COLLATE "C" NOT NULL,
    email text,
    subject text NOT NULL,
    text text NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN support_ticket.organisation_id IS
    'who is asked; null where it is who runs the server';
COMMENT ON COLUMN support_ticket.email IS 'where an answer reaches them, if anywhere';
CREATE INDEX support_ticket_list
    ON support_ticket (organisation_id, created_at, ticket_id);
CREATE INDEX support_ticket_of_user ON support_ticket (user_id, created_at);
