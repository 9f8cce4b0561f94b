-- Draws: the list of those who gathered as it was told, the order that came of it, and how
-- far that was fed. What is here stays when another draw is opened.
ALTER TABLE line
    ADD COLUMN fed integer NOT NULL DEFAULT 0,
    ADD COLUMN round bigint;
COMMENT ON COLUMN line.fed IS
    'entrants that the event has, by rank; above it a rank is told to nobody';
COMMENT ON COLUMN line.round IS 'in force, where it was put off; else the rules name it';
COMMENT ON COLUMN line.line_hash IS 'of a draw: here once it is drawn, and the seed told';
COMMENT ON COLUMN line.order_key IS
    'K of the draw, once all entrants are fed: who comes late is fed from then on';

CREATE INDEX line_undrawn ON line (event_id)
    WHERE mode = 'draw' AND order_key IS NULL AND phase IN ('gathering', 'late');

CREATE TABLE line_list (
    event_id text COLLATE "C" NOT NULL,
    draw integer NOT NULL CHECK (draw > 0),
    closed_ms bigint NOT NULL,
    entries integer,
    root bytea,
    hashes bytea,
    joins text,
    statement text,
    signature bytea,
    beacon bytea,
    order_key bytea,
    line_hash bytea,
    drawn boolean NOT NULL DEFAULT false,
    PRIMARY KEY (event_id, draw)
);
COMMENT ON COLUMN line_list.hashes IS 'of all 1,024 buckets, in order';
COMMENT ON COLUMN line_list.joins IS 'how they came, by minute, as the transcript has it';
COMMENT ON COLUMN line_list.statement IS 'what was told, signed, once the list was fixed';
COMMENT ON COLUMN line_list.beacon IS
    'the signature of the round, from when it was here: no other order follows then';
COMMENT ON COLUMN line_list.order_key IS 'secret until drawn';

CREATE TABLE line_bucket (
    event_id text COLLATE "C" NOT NULL,
    draw integer NOT NULL,
    bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 1023),
    stubs bytea NOT NULL,
    ranks bytea,
    PRIMARY KEY (event_id, draw, bucket)
);
COMMENT ON COLUMN line_bucket.ranks IS
    'of these stubs, four bytes each; told once the line is drawn';

CREATE TABLE line_segment (
    event_id text COLLATE "C" NOT NULL,
    draw integer NOT NULL,
    first_rank integer NOT NULL CHECK (first_rank > 0),
    stubs bytea NOT NULL,
    PRIMARY KEY (event_id, draw, first_rank)
);

-- A draw that is to follow the one of `line`: written before the event is told.
CREATE TABLE line_next (
    event_id text COLLATE "C" PRIMARY KEY,
    draw integer NOT NULL CHECK (draw > 1),
    rules text NOT NULL,
    rules_hash bytea NOT NULL,
    commitment bytea NOT NULL,
    seed bytea
);
COMMENT ON COLUMN line_next.seed IS 'secret; null where it is derived';

-- Who deletes an account leaves all lines: whoever has a place is told so a moment later.
ALTER TABLE line_entry ADD COLUMN leaving boolean NOT NULL DEFAULT false;
CREATE INDEX line_entry_leaving ON line_entry (event_id, user_id)
    WHERE leaving AND over_at IS NULL;
