-- People who register: sessions with refresh tokens, keys of access tokens that anybody
-- can check, and the mails that go out to them.

ALTER TABLE account
    ALTER COLUMN email DROP NOT NULL,
    ALTER COLUMN password_hash DROP NOT NULL,
    ADD COLUMN verified_at timestamptz,
    ADD COLUMN deleted_at timestamptz,
    ADD CONSTRAINT account_is_whole_or_deleted CHECK (
        CASE WHEN deleted_at IS NULL THEN num_nonnulls(email, password_hash) = 2
        ELSE num_nonnulls(email, password_hash, verified_at) = 0 AND name = '' END
    );
COMMENT ON COLUMN account.deleted_at IS
    'nothing of a deleted account tells who it was; bookings keep its id';
COMMENT ON TABLE signing_key IS
    'of tokens as they were before 0004, which are believed until they end; none is made';

-- The newest that is old enough for all to know it signs; see server/accounts/keys.py.
CREATE TABLE token_key (
    number integer PRIMARY KEY,
    seed bytea NOT NULL CHECK (length(seed) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN token_key.seed IS 'of an Ed25519 key; a secret';

CREATE TABLE session (
    session_id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES account,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    user_agent text NOT NULL,
    address text NOT NULL
);
COMMENT ON TABLE session IS 'one login; it is deleted when it ends';
COMMENT ON COLUMN session.address IS 'the network it was last seen from, not the host';
CREATE INDEX session_of_user ON session (user_id, seen_at);
CREATE INDEX session_end ON session (expires_at);

CREATE TABLE refresh_token (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    session_id text COLLATE "C" NOT NULL REFERENCES session ON DELETE CASCADE,
    used_at timestamptz
);
COMMENT ON COLUMN refresh_token.hash IS 'SHA-256; the token itself is stored nowhere';
COMMENT ON COLUMN refresh_token.used_at IS
    'one that is shown again after this was stolen: its session ends';
CREATE INDEX refresh_token_of_session ON refresh_token (session_id);

-- What all processes have to refuse although its signature is good.
CREATE TABLE revocation (
    subject text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL,
    sockets boolean NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    until timestamptz NOT NULL
);
COMMENT ON COLUMN revocation.subject IS
    'a session, or a user whose tokens that belong to no session are over';
COMMENT ON COLUMN revocation.sockets IS 'whether open sockets are closed as well';
COMMENT ON COLUMN revocation.until IS 'by then the last such token has expired';
CREATE INDEX revocation_at ON revocation (at);
CREATE INDEX revocation_until ON revocation (until);

-- Written in the transaction of whatever they tell of; a sender takes them from here.
CREATE TABLE mail (
    mail_id text COLLATE "C" PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    failed_at timestamptz,
    reason text
);
COMMENT ON COLUMN mail.body IS 'emptied when it is sent: it may hold a code';
COMMENT ON COLUMN mail.expires_at IS 'it is not sent later than this';
CREATE INDEX mail_due ON mail (due_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX mail_of_user ON mail (user_id);
CREATE INDEX mail_expires ON mail (expires_at);

-- Codes that mails carry: whoever shows one reads the mails of that address.
CREATE TABLE mail_code (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    user_id text COLLATE "C" NOT NULL REFERENCES account,
    purpose text NOT NULL CHECK (purpose IN ('verify', 'reset')),
    email text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX mail_code_of_user ON mail_code (user_id, purpose);
CREATE INDEX mail_code_expires ON mail_code (expires_at);
