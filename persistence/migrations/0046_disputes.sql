-- What buyers' banks doubt. A dispute is never forgotten; the money of one that was lost
-- is a refund that nobody here asked for.
ALTER TABLE payment ADD COLUMN disputes jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN payment.disputes IS
    'each with its state (open, won, lost), amount, currency and a word why';
ALTER TABLE refund
    DROP CONSTRAINT refund_reason_check,
    ADD CONSTRAINT refund_reason_check CHECK (reason IN ('surplus', 'rejected', 'excess',
        'lost', 'event_cancelled', 'given_back', 'outside', 'goodwill', 'dispute'));

-- As before; parameters that are new may be left out, so that processes of the version
-- before go on while the others are upgraded.
CREATE OR REPLACE FUNCTION write_orders(asked json)
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
                unit, discount, fee, tax, tax_ppm, gross, seller_fee, state, back, kept,
                allowance)
            SELECT one.order_id, l.line, l.kind, l.label, l.category, l.type, l.unit,
                l.discount, l.fee, l.tax, l.tax_ppm, l.gross, l.seller_fee, l.state,
                coalesce(l.back, 0), coalesce(l.kept, false), coalesce(l.allowance, 0)
            FROM json_to_recordset(one.lines) AS l(line int, kind text, label text,
                category text, type text, unit bigint, discount bigint, fee bigint,
                tax bigint, tax_ppm int, gross bigint, seller_fee bigint, state text,
                back int, kept bool, allowance bigint)
            -- Who knows nothing of the last three takes none of them back.
            ON CONFLICT ON CONSTRAINT order_line_pkey DO UPDATE SET
                state = excluded.state, back = greatest(was.back, excluded.back),
                kept = was.kept OR excluded.kept,
                allowance = greatest(was.allowance, excluded.allowance);
        END IF;

        IF one.payments IS NOT NULL THEN
            INSERT INTO payment AS was (order_id, payment_id, provider, provider_ref,
                state, amount, currency, captured, captured_currency, use, session,
                created_at, asked, disputes)
            SELECT one.order_id, y.payment, y.provider, y.ref, y.state, y.amount,
                y.currency, y.captured, y.captured_currency, y.use, y.url,
                'epoch'::timestamptz + y.at_ms * interval '1 ms', y.asked,
                coalesce(y.disputes, '[]')
            FROM json_to_recordset(one.payments) AS y(payment text, provider text,
                amount bigint, currency text, at_ms bigint, state text, ref text,
                url text, captured bigint, captured_currency text, use text, asked text,
                disputes jsonb)
            -- Who knows nothing of disputes takes none away.
            ON CONFLICT ON CONSTRAINT payment_pkey DO UPDATE SET
                provider_ref = excluded.provider_ref, state = excluded.state,
                captured = excluded.captured,
                captured_currency = excluded.captured_currency, use = excluded.use,
                session = excluded.session,
                disputes = CASE WHEN excluded.disputes = '[]' THEN was.disputes
                    ELSE excluded.disputes END;
        END IF;

        IF one.refunds IS NOT NULL THEN
            INSERT INTO refund AS was (order_id, refund_id, payment_id, amount,
                currency, reason, state, provider_ref, lines, was_settled, created_at,
                note, asked_by, instead_of)
            SELECT one.order_id, r.refund, r.payment, r.amount, r.currency, r.reason,
                r.state, r.ref, r.lines, r.was_settled,
                'epoch'::timestamptz + r.at_ms * interval '1 ms',
                coalesce(r.note, ''), r.asked_by, r.instead_of
            FROM json_to_recordset(one.refunds) AS r(refund text, payment text,
                amount bigint, currency text, reason text, at_ms bigint, state text,
                ref text, lines int[], was_settled bool, note text, asked_by text,
                instead_of text)
            ON CONFLICT ON CONSTRAINT refund_pkey DO UPDATE SET
                state = excluded.state, provider_ref = excluded.provider_ref,
                was_settled = excluded.was_settled,
                note = CASE WHEN excluded.note = '' THEN was.note ELSE excluded.note END;
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

-- As before, in steps whose plans are small: with no hook it is one look, at a third of
-- what it cost. A hook that is being deleted is waited for.
CREATE OR REPLACE FUNCTION raise_hooks(
    organisation text, kinds text[], subjects text[], datas text[], ats timestamptz[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    listening record;
    changed bigint;
    made bigint := 0;
BEGIN
    FOR listening IN
        SELECT h.hook_id, h.types FROM hook h
        WHERE h.organisation_id = organisation AND h.off IS NULL
        FOR KEY SHARE
    LOOP
        INSERT INTO hook_delivery
            (delivery_id, hook_id, organisation_id, type, subject, body)
        SELECT 'msg_' || translate(gen_random_uuid()::text, '-', ''), listening.hook_id,
            organisation, r.kind, r.subject,
            json_build_object(
                'type', r.kind,
                'timestamp', to_char(
                    coalesce(r.at, now()) AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'data', r.data::json
            )::text
        FROM unnest(kinds, subjects, datas, ats)
            WITH ORDINALITY AS r(kind, subject, data, at, number)
        WHERE cardinality(listening.types) = 0 OR r.kind = ANY (listening.types)
        ORDER BY r.number
        ON CONFLICT (hook_id, type, subject) DO NOTHING;
        GET DIAGNOSTICS changed = ROW_COUNT;
        made := made + changed;
    END LOOP;
    RETURN made;
END $$;
