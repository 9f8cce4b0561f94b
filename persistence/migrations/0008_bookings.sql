-- What becomes of events, counted by the minute and by the day. A job counts the journal
-- in order; what it counted and how far it came are written in one transaction, so that
-- each change counts once, whatever dies. Days are those of UTC.

CREATE TABLE event_rollup (
    event_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    counted_to timestamptz NOT NULL,
    counted_at timestamptz NOT NULL,
    live_holds bytea NOT NULL,
    prices jsonb NOT NULL,
    holds bigint NOT NULL,
    bookings bigint NOT NULL,
    cancellations bigint NOT NULL,
    expired bigint NOT NULL,
    released bigint NOT NULL,
    seats_booked bigint NOT NULL,
    seats_cancelled bigint NOT NULL,
    interested bigint NOT NULL,
    buyers bigint NOT NULL,
    returning_buyers bigint NOT NULL
);
COMMENT ON COLUMN event_rollup.version IS 'all of the journal up to here is counted';
COMMENT ON COLUMN event_rollup.counted_to IS 'when that version was committed';
COMMENT ON COLUMN event_rollup.live_holds IS
    'as of that version: a digest of each live hold, and how many places it has';
COMMENT ON COLUMN event_rollup.prices IS 'as of that version';
COMMENT ON COLUMN event_rollup.interested IS 'how many users ever held something';

-- A row for each currency: prices may change theirs. Without prices it is ''.
CREATE TABLE event_minute (
    event_id text COLLATE "C" NOT NULL,
    minute timestamptz NOT NULL,
    currency text NOT NULL,
    holds bigint NOT NULL,
    bookings bigint NOT NULL,
    cancellations bigint NOT NULL,
    expired bigint NOT NULL,
    released bigint NOT NULL,
    seats_booked bigint NOT NULL,
    seats_cancelled bigint NOT NULL,
    revenue bigint NOT NULL,
    refunded bigint NOT NULL,
    PRIMARY KEY (event_id, minute, currency)
);
CREATE INDEX event_minute_time ON event_minute (minute);

CREATE TABLE event_day (
    event_id text COLLATE "C" NOT NULL,
    day timestamptz NOT NULL,
    currency text NOT NULL,
    holds bigint NOT NULL,
    bookings bigint NOT NULL,
    cancellations bigint NOT NULL,
    expired bigint NOT NULL,
    released bigint NOT NULL,
    seats_booked bigint NOT NULL,
    seats_cancelled bigint NOT NULL,
    revenue bigint NOT NULL,
    refunded bigint NOT NULL,
    PRIMARY KEY (event_id, day, currency)
);
CREATE INDEX event_day_time ON event_day (day);

-- What a booking was worth when it was made: that much is refunded when it is cancelled.
CREATE TABLE booking_value (
    booking_id text COLLATE "C" PRIMARY KEY,
    amount bigint NOT NULL,
    currency text NOT NULL
);

CREATE TABLE event_buyer (
    event_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    holds bigint NOT NULL,
    bookings bigint NOT NULL,
    cancellations bigint NOT NULL,
    PRIMARY KEY (event_id, user_id)
);
