-- What lists of events are filtered by besides words: what events cost.

-- Every price of an event in minor units, also one between two others: {[4500,4501)} of
-- one price. An event without any is free, as is one whose prices are all nothing.
CREATE FUNCTION event_amounts(settings jsonb) RETURNS int8multirange
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT coalesce(
        range_agg(int8range(
            (price.value ->> 'amount')::bigint, (price.value ->> 'amount')::bigint, '[]')),
        '{[0,1)}'::int8multirange)
    FROM jsonb_each(coalesce(settings -> 'prices', '{}')) AS price
);

-- An event has one currency in all of its prices.
CREATE FUNCTION event_currency(settings jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT min(price.value ->> 'currency')
    FROM jsonb_each(coalesce(settings -> 'prices', '{}')) AS price
);

ALTER TABLE event
    ADD COLUMN amounts int8multirange NOT NULL GENERATED ALWAYS AS
        (event_amounts(settings)) STORED,
    ADD COLUMN currency text GENERATED ALWAYS AS (event_currency(settings)) STORED;
CREATE INDEX event_amounts ON event USING gist (amounts);
CREATE INDEX event_free ON event (starts_at, event_id)
    WHERE deleted_at IS NULL AND amounts = '{[0,1)}';
CREATE INDEX event_currency ON event (currency, starts_at, event_id)
    WHERE deleted_at IS NULL;
