-- What the server does again and again, in one process at a time. Whoever moves a row's
-- `taken_until` into the future has the job until then; all times are the database's.
CREATE TABLE job (
    name text COLLATE "C" PRIMARY KEY,
    every_s double precision NOT NULL CHECK (every_s > 0),
    next_at timestamptz NOT NULL DEFAULT now(),
    turn bigint NOT NULL DEFAULT 0,
    taken_until timestamptz,
    by text,
    began_at timestamptz,
    ok_at timestamptz,
    failed_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    error text,
    took_ms bigint
);
COMMENT ON COLUMN job.turn IS
    'counts the runs: whoever is still at a former one changes nothing any more';
COMMENT ON COLUMN job.error IS 'of what kind the last error was';
COMMENT ON COLUMN job.failures IS 'runs that failed one after the other, up to now';
