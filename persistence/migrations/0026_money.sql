-- On what terms an event sells, and the books of what is paid and given back.

ALTER TABLE event
    ADD COLUMN fees jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN tax jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN event.fees IS 'read when an order is priced, and frozen in it';

DROP TRIGGER event_details_revision ON event;
CREATE TRIGGER event_details_revision
    BEFORE UPDATE OF description, category, tags, image_id, fees, tax ON event
    FOR EACH ROW
    WHEN ((OLD.description, OLD.category, OLD.tags, OLD.image_id, OLD.fees, OLD.tax)
        IS DISTINCT FROM
        (NEW.description, NEW.category, NEW.tags, NEW.image_id, NEW.fees, NEW.tax))
    EXECUTE FUNCTION count_details_revision();

CREATE TABLE money_entry (
    order_id text NOT NULL,
    posting text NOT NULL,
    account text NOT NULL CHECK (
        account IN ('provider', 'sales', 'fees', 'tax', 'due')),
    amount bigint NOT NULL CHECK (amount <> 0),
    currency text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, posting, account)
);
COMMENT ON TABLE money_entry IS
    'double entry: debits are positive, and each posting sums to 0; only added to';
COMMENT ON COLUMN money_entry.posting IS
    'what happened and to what, once: capture:PAYMENT, confirm, back:REFUND ...';

-- One statement writes one or more whole postings.
CREATE FUNCTION check_postings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added GROUP BY order_id, posting
        HAVING sum(amount) <> 0 OR count(DISTINCT currency) > 1
    ) THEN
        RAISE EXCEPTION 'a posting does not sum to 0 in one currency';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER money_entry_sums AFTER INSERT ON money_entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    EXECUTE FUNCTION check_postings();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only added to', TG_TABLE_NAME;
END $$;
CREATE TRIGGER money_entry_kept BEFORE UPDATE OR DELETE ON money_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A restore empties the tables of a new database, where there is nothing to keep.
CREATE FUNCTION refuse_emptying() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM money_entry) THEN
        RAISE EXCEPTION 'money_entry is only added to';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER money_entry_not_emptied BEFORE TRUNCATE ON money_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
