-- What was rehearsed of events, and what somebody who joined had passed before.
CREATE TABLE rehearsal (
    rehearsal_id text COLLATE "C" PRIMARY KEY,
    event_id text COLLATE "C" NOT NULL,
    asked jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'done', 'failed')),
    report jsonb,
    made_by text COLLATE "C" NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    over_at timestamptz,
    CHECK ((status = 'done') = (report IS NOT NULL))
);
CREATE INDEX rehearsal_of_event ON rehearsal (event_id, made_at);
COMMENT ON TABLE rehearsal IS 'of a sale with simulated people; no part of what is sold';

ALTER TABLE line_entry
    ADD COLUMN proof bytea,
    ADD COLUMN captcha bytea,
    ADD COLUMN gates text;
COMMENT ON COLUMN line_entry.proof IS 'the challenge that was solved for it: for once';
COMMENT ON COLUMN line_entry.captcha IS 'hash of the answer to a captcha: for once';
COMMENT ON COLUMN line_entry.gates IS 'what was asked of who made it, and passed';

CREATE UNIQUE INDEX line_entry_proof ON line_entry (proof) WHERE proof IS NOT NULL;
CREATE UNIQUE INDEX line_entry_captcha
    ON line_entry (captcha) WHERE captcha IS NOT NULL;
CREATE INDEX line_entry_net
    ON line_entry (event_id, draw, net) WHERE net IS NOT NULL AND over_at IS NULL;
