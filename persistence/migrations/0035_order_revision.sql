-- An order is written where it is still as it was read, several of them in one call:
-- that takes the place of a transaction for each, which locks, reads and writes.
ALTER TABLE orders ADD COLUMN revision bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN orders.revision IS 'counts what was written of it, lines and all';
DROP FUNCTION lock_order(text);

-- Returns those that were written: not those that somebody else wrote meanwhile. Orders
-- are taken by their names, so that two calls do not wait for each other. Rows beside
-- an order come as JSON, by the names that the program has for their columns.
CREATE FUNCTION write_orders(asked json)
RETURNS TABLE (written text, now_ms bigint, confirmed timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT a.*, 'epoch'::timestamptz + a.pay_until_ms * interval '1 ms' AS pay_until,
            'epoch'::timestamptz + a.wake_ms * interval '1 ms' AS wake
        FROM json_to_recordset(asked) AS a(order_id text, revision bigint, status text,
            step text, leaving bool, refund text, currency text, total bigint,
            due bigint, pay_until_ms bigint, accepted text, why text, wake_ms bigint,
            event_id text, booking text, moved bool, lines json, payments json,
            refunds json, entries json, event json)
        ORDER BY a.order_id COLLATE "C"
    LOOP
        UPDATE orders o SET status = one.status, step = one.step,
            leaving = one.leaving, refund = one.refund, currency = one.currency,
            total = one.total, due = one.due, pay_until = one.pay_until,
            accepted_payment = one.accepted, why = one.why, driven_until = one.wake,
            confirmed_at = CASE WHEN one.booking IS NOT NULL
                THEN coalesce(o.confirmed_at, clock_timestamp()) END,
            revision = o.revision + 1
        WHERE o.order_id = one.order_id AND o.revision = one.revision
        RETURNING o.confirmed_at INTO confirmed;
        CONTINUE WHEN NOT FOUND;

        IF one.moved THEN
            UPDATE order_part p
            SET booking_id = one.booking, refused = one.step = 'refused'
            WHERE p.order_id = one.order_id AND p.event_id = one.event_id;
        END IF;

        IF one.lines IS NOT NULL THEN
            INSERT INTO order_line AS was (order_id, line, kind, label, category, type,
                unit, discount, fee, tax, tax_ppm, gross, seller_fee, state)
            SELECT one.order_id, l.*
            FROM json_to_recordset(one.lines) AS l(line int, kind text, label text,
                category text, type text, unit bigint, discount bigint, fee bigint,
                tax bigint, tax_ppm int, gross bigint, seller_fee bigint, state text)
            ON CONFLICT ON CONSTRAINT order_line_pkey
                DO UPDATE SET state = excluded.state;
        END IF;

        IF one.payments IS NOT NULL THEN
            INSERT INTO payment AS was (order_id, payment_id, provider, provider_ref,
                state, amount, currency, captured, captured_currency, use, session,
                created_at, asked)
            SELECT one.order_id, y.payment, y.provider, y.ref, y.state, y.amount,
                y.currency, y.captured, y.captured_currency, y.use, y.url,
                'epoch'::timestamptz + y.at_ms * interval '1 ms', y.asked
            FROM json_to_recordset(one.payments) AS y(payment text, provider text,
                amount bigint, currency text, at_ms bigint, state text, ref text,
                url text, captured bigint, captured_currency text, use text, asked text)
            ON CONFLICT ON CONSTRAINT payment_pkey DO UPDATE SET
                provider_ref = excluded.provider_ref, state = excluded.state,
                captured = excluded.captured,
                captured_currency = excluded.captured_currency, use = excluded.use,
                session = excluded.session;
        END IF;

        IF one.refunds IS NOT NULL THEN
            INSERT INTO refund AS was (order_id, refund_id, payment_id, amount,
                currency, reason, state, provider_ref, lines, was_settled, created_at)
            SELECT one.order_id, r.refund, r.payment, r.amount, r.currency, r.reason,
                r.state, r.ref, r.lines, r.was_settled,
                'epoch'::timestamptz + r.at_ms * interval '1 ms'
            FROM json_to_recordset(one.refunds) AS r(refund text, payment text,
                amount bigint, currency text, reason text, at_ms bigint, state text,
                ref text, lines int[], was_settled bool)
            ON CONFLICT ON CONSTRAINT refund_pkey DO UPDATE SET
                state = excluded.state, provider_ref = excluded.provider_ref,
                was_settled = excluded.was_settled;
        END IF;

        -- Where a posting is there already, its key refuses all of it.
        IF one.entries IS NOT NULL THEN
            INSERT INTO money_entry (order_id, posting, account, amount, currency)
            SELECT one.order_id, e.posting, e.account, e.amount, e.currency
            FROM json_to_recordset(one.entries) AS e(posting text, account text,
                amount bigint, currency text);
        END IF;

        IF one.event IS NOT NULL THEN
            INSERT INTO provider_event AS was (provider, event_ref, payment_ref,
                attempt, body, applied_at)
            SELECT v.provider, v.event_ref, v.payment_ref, v.attempt,
                decode(v.body, 'base64'), clock_timestamp()
            FROM json_to_record(one.event) AS v(provider text, event_ref text,
                payment_ref text, attempt text, body text)
            ON CONFLICT ON CONSTRAINT provider_event_pkey
                DO UPDATE SET applied_at = excluded.applied_at;
        END IF;

        written := one.order_id;
        now_ms := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
        RETURN NEXT;
    END LOOP;
END $$;
