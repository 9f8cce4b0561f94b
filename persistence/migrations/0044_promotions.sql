-- Promotions of an event, the codes that redeem them, and which order redeemed which.
-- What a promotion took off stands in the lines of orders; here stands how often.

-- What codes are hashed with: the first server makes it.
CREATE TABLE promotion_key (
    number integer PRIMARY KEY CHECK (number = 1),
    seed bytea NOT NULL CHECK (length(seed) = 32)
);

CREATE TABLE promotion (
    promotion_id text COLLATE "C" PRIMARY KEY,
    event_id text COLLATE "C" NOT NULL REFERENCES event,
    name text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    ppm integer NOT NULL DEFAULT 0 CHECK (ppm BETWEEN 0 AND 1000000),
    amount bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
    minimum bigint NOT NULL DEFAULT 0 CHECK (minimum >= 0),
    currency text,
    categories text[],
    types text[],
    starts_at timestamptz,
    ends_at timestamptz,
    uses_max bigint CHECK (uses_max > 0),
    per_user bigint CHECK (per_user > 0),
    stacks boolean NOT NULL DEFAULT false,
    taken bigint NOT NULL DEFAULT 0 CHECK (taken >= 0),
    created_by text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revision bigint NOT NULL DEFAULT 0,
    CHECK (taken <= uses_max),
    CHECK ((ppm > 0) <> (amount > 0)),
    CHECK ((amount > 0 OR minimum > 0) = (currency IS NOT NULL)),
    CHECK (ends_at > starts_at)
);
COMMENT ON COLUMN promotion.ppm IS 'parts per million of what a seat or place costs';
COMMENT ON COLUMN promotion.amount IS 'off the whole order, in the minor unit';
COMMENT ON COLUMN promotion.uses_max IS 'by how many orders, over all its codes';
COMMENT ON COLUMN promotion.taken IS 'its redemptions that are reserved or used';
CREATE INDEX promotion_list ON promotion (event_id, created_at, promotion_id);
CREATE TRIGGER promotion_revision
    BEFORE UPDATE OF name, active, starts_at, ends_at, uses_max, per_user ON promotion
    FOR EACH ROW
    WHEN ((OLD.name, OLD.active, OLD.starts_at, OLD.ends_at, OLD.uses_max, OLD.per_user)
        IS DISTINCT FROM
        (NEW.name, NEW.active, NEW.starts_at, NEW.ends_at, NEW.uses_max, NEW.per_user))
    EXECUTE FUNCTION count_revision();

CREATE TABLE promotion_code (
    event_id text COLLATE "C" NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    promotion_id text COLLATE "C" NOT NULL REFERENCES promotion ON DELETE CASCADE,
    uses_max bigint CHECK (uses_max > 0),
    taken bigint NOT NULL DEFAULT 0 CHECK (taken >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, hash),
    CHECK (taken <= uses_max)
);
COMMENT ON COLUMN promotion_code.hash IS 'HMAC; the code itself is stored nowhere';
CREATE INDEX promotion_code_list ON promotion_code (promotion_id);

CREATE TABLE redemption (
    order_id text COLLATE "C" NOT NULL REFERENCES orders,
    promotion_id text COLLATE "C" NOT NULL REFERENCES promotion,
    event_id text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    who bytea,
    state text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'used', 'back')),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, promotion_id)
);
COMMENT ON COLUMN redemption.who IS 'HMAC of the address of the buyer, where one is known';
COMMENT ON COLUMN redemption.state IS
    'reserved with the order, used once that is confirmed, back when it gave all back';
CREATE INDEX redemption_of_user ON redemption (promotion_id, user_id);
CREATE INDEX redemption_of_address ON redemption (promotion_id, who)
    WHERE who IS NOT NULL;

ALTER TABLE orders ADD COLUMN redeems boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN orders.redeems IS 'whether its codes follow what becomes of it';

-- Reserves what the codes of an order redeem; returns 'code_invalid' or 'code_used_up'
-- for what cannot be had, and whoever called takes everything back. The row of the
-- promotion is locked before anything is counted, and each statement sees what those
-- before it in that queue left; promotions are taken by their ids, so that two orders
-- do not wait for each other.
CREATE FUNCTION reserve_codes(
    for_order text, for_event text, for_user text, for_who bytea, codes bytea[]
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    one record;
    most bigint;
BEGIN
    FOR one IN
        SELECT c.hash, c.promotion_id FROM promotion_code c
        WHERE c.event_id = for_event AND c.hash = ANY (codes)
        ORDER BY c.promotion_id
    LOOP
        UPDATE promotion p SET taken = p.taken + 1
        WHERE p.promotion_id = one.promotion_id
            AND (p.uses_max IS NULL OR p.taken < p.uses_max)
        RETURNING p.per_user INTO most;
        IF NOT FOUND THEN
            RETURN 'code_used_up';
        END IF;
        IF NOT EXISTS (
            SELECT FROM promotion p WHERE p.promotion_id = one.promotion_id AND p.active
                AND (p.starts_at IS NULL OR p.starts_at <= clock_timestamp())
                AND (p.ends_at IS NULL OR p.ends_at > clock_timestamp())
        ) THEN
            RETURN 'code_invalid';
        END IF;
        IF most IS NOT NULL AND most <= (
            SELECT count(*) FROM redemption r
            WHERE r.promotion_id = one.promotion_id AND r.state <> 'back'
                AND (r.user_id = for_user OR r.who = for_who)
        ) THEN
            RETURN 'code_used_up';
        END IF;
        UPDATE promotion_code c SET taken = c.taken + 1
        WHERE c.event_id = for_event AND c.hash = one.hash
            AND (c.uses_max IS NULL OR c.taken < c.uses_max);
        IF NOT FOUND THEN
            RETURN 'code_used_up';
        END IF;
        INSERT INTO redemption (order_id, promotion_id, event_id, hash, user_id, who)
        VALUES (for_order, one.promotion_id, for_event, one.hash, for_user, for_who);
    END LOOP;
    UPDATE orders SET redeems = true WHERE order_id = for_order;
    RETURN NULL;
END $$;

-- Whoever writes what becomes of an order, its codes follow in the same statement.
CREATE FUNCTION move_redemptions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    IF NEW.status IN ('confirmed', 'completed') THEN
        UPDATE redemption SET state = 'used', at = clock_timestamp()
        WHERE order_id = NEW.order_id AND state = 'reserved';
    ELSIF NEW.status IN ('cancelled', 'refunded') THEN
        FOR one IN
            SELECT r.promotion_id, r.event_id, r.hash FROM redemption r
            WHERE r.order_id = NEW.order_id AND r.state <> 'back'
            ORDER BY r.promotion_id
        LOOP
            UPDATE promotion SET taken = taken - 1
            WHERE promotion_id = one.promotion_id;
            UPDATE promotion_code SET taken = taken - 1
            WHERE event_id = one.event_id AND hash = one.hash;
        END LOOP;
        UPDATE redemption SET state = 'back', at = clock_timestamp()
        WHERE order_id = NEW.order_id AND state <> 'back';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER orders_redemptions AFTER UPDATE OF status ON orders FOR EACH ROW
    WHEN (NEW.redeems AND OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION move_redemptions();
