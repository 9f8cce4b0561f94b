-- Administrators of the environment are made once, and API keys know who was shown them.

CREATE TABLE first_admin (
    address_hash bytea PRIMARY KEY CHECK (length(address_hash) = 32),
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE first_admin IS
    'addresses of the environment that were made an administrator''s: never again';
COMMENT ON COLUMN first_admin.address_hash IS
    'SHA-256 of its key: it outlives the account, which says who it was';

ALTER TABLE api_key
    ADD COLUMN holder text COLLATE "C",
    ADD COLUMN old_holder text COLLATE "C";
COMMENT ON COLUMN api_key.holder IS
    'who was shown the secret when it was rotated last; before that, its maker was';
COMMENT ON COLUMN api_key.old_holder IS
    'the same of the secret before, which may be good for a while';
CREATE INDEX api_key_of_holder ON api_key (coalesce(holder, created_by))
    WHERE revoked_at IS NULL;
CREATE INDEX api_key_of_old_holder ON api_key (coalesce(old_holder, created_by))
    WHERE old_hash IS NOT NULL;
