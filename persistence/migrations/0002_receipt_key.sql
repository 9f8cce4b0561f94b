-- The key under which audits sign their receipts, made by the first server that starts.
-- The highest number is the one in use.

CREATE TABLE receipt_key (
    number integer PRIMARY KEY,
    seed bytea NOT NULL CHECK (length(seed) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN receipt_key.seed IS 'of an Ed25519 key; a secret';
