-- What many bookings come to has no limit: a bigint that overflows would stop the
-- counting of its event, and a sum over events the pages of all.
ALTER TABLE event_minute
    ALTER COLUMN revenue TYPE numeric,
    ALTER COLUMN refunded TYPE numeric;
ALTER TABLE event_day
    ALTER COLUMN revenue TYPE numeric,
    ALTER COLUMN refunded TYPE numeric;
