-- A scan at a gate in one call, where it was a transaction of two statements: four
-- questions, each of which waits for its turn.
--
-- What the rules of the program say of each case comes along as a table, `verdicts`: a
-- letter for each state of a ticket, whether the code is of its generation, whether the
-- list takes it, has re-entry, is open, and each standing, in this order. The last of
-- `states` is any other. `a` stands for the first of `results`, which is `ok`.
--
-- Locks are taken in the order of 0030: the scan's own row, the ticket, where its holder
-- is. What was seen before them is a guess that the move makes sure of: it locks the
-- ticket, and moves only who stands where the rules let pass, by a ticket that is still
-- as it was judged.
CREATE FUNCTION scan_ticket(of_event text, scan text, of_list text, hash bytea,
    way text, at_gate text, by_whom text, known text, code_number text,
    code_generation int, verdicts text, results text[], states text[],
    standings text[])
RETURNS TABLE (list_id text, request_hash bytea, direction text, gate text, who text,
    at timestamptz, ticket_id text, result text, label text, category text,
    before_at timestamptz, before_gate text, before_who text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    seen record;
    cases text;
    answer text := known;
    came text;
    is_in boolean;
    sorted timestamptz;
BEGIN
    -- The third look is of rows that are all locked: what it allows is sure to be done.
    FOR look IN 1..3 LOOP
        IF look > 1 THEN
            PERFORM FROM ticket t WHERE t.ticket_id = seen.ticket_id FOR SHARE;
            PERFORM FROM checkin_state s
            WHERE s.ticket_id = seen.ticket_id AND s.list_id = of_list FOR UPDATE;
        END IF;
        SELECT t.ticket_id, t.state, t.generation, t.label, t.category,
            s.at, s.gate, s.who, coalesce(s.state, 'never') AS standing,
            (coalesce(array_position(states, t.state), cardinality(states)) - 1) * 16
                + (t.generation = code_generation)::int * 8
                + (l.categories IS NULL
                    OR coalesce(t.category = ANY (l.categories), false))::int * 4
                + l.reentry::int * 2
                + coalesce(l.opens_at <= now(), true)::int AS place
        INTO seen
        FROM checkin_list l JOIN ticket t ON t.event_id = l.event_id
        LEFT JOIN checkin_state s
            ON s.ticket_id = t.ticket_id AND s.list_id = l.list_id
        WHERE l.event_id = of_event AND l.list_id = of_list AND t.number = code_number;
        IF FOUND THEN
            cases := substr(verdicts, seen.place * cardinality(standings) + 1,
                cardinality(standings));
            answer := results[ascii(substr(cases,
                array_position(standings, seen.standing), 1)) - ascii('a') + 1];
        END IF;
        came := CASE WHEN answer = 'ok' THEN
            CASE way WHEN 'in' THEN 'entry' ELSE 'exit' END END;
        is_in := answer = 'already_in';

        IF look > 1 THEN
            UPDATE checkin c SET result = answer, revoked = answer = 'revoked',
                outcome = came, before_at = CASE WHEN is_in THEN seen.at END,
                before_gate = CASE WHEN is_in THEN seen.gate END,
                before_who = CASE WHEN is_in THEN seen.who END
            WHERE c.event_id = of_event AND c.nonce = scan;
        ELSE
            INSERT INTO checkin (event_id, nonce, list_id, request_hash, direction,
                gate, who, at, sort_at, result, number, generation, ticket_id, revoked,
                outcome, before_at, before_gate, before_who)
            VALUES (of_event, scan, of_list, hash, way, at_gate, by_whom, now(), now(),
                answer, code_number, code_generation, seen.ticket_id,
                answer = 'revoked', came, CASE WHEN is_in THEN seen.at END,
                CASE WHEN is_in THEN seen.gate END, CASE WHEN is_in THEN seen.who END)
            ON CONFLICT ON CONSTRAINT checkin_pkey DO NOTHING;
            -- It may be somebody's already, who was answered.
            EXIT WHEN NOT FOUND;
        END IF;
        EXIT WHEN answer <> 'ok';

        -- Whoever stands somewhere has a row, which nobody removes.
        INSERT INTO checkin_state AS s (ticket_id, list_id, event_id, state, nonce, at,
            gate, who, sort_at)
        SELECT t.ticket_id, of_list, of_event, way, scan, now(), at_gate, by_whom, now()
        FROM ticket t
        WHERE t.ticket_id = seen.ticket_id AND t.state = seen.state
            AND t.generation = seen.generation
        FOR SHARE OF t
        ON CONFLICT ON CONSTRAINT checkin_state_pkey DO UPDATE SET
            state = excluded.state, nonce = excluded.nonce, at = excluded.at,
            gate = excluded.gate, who = excluded.who,
            sort_at = greatest(excluded.sort_at, s.sort_at + interval '1 microsecond')
        WHERE substr(cases, array_position(standings, s.state), 1) = 'a'
        RETURNING s.sort_at INTO sorted;
        IF FOUND THEN
            IF sorted > now() THEN
                UPDATE checkin c SET sort_at = sorted
                WHERE c.event_id = of_event AND c.nonce = scan;
            END IF;
            EXIT;
        END IF;
        -- Another one was quicker.
        ASSERT look < 3, 'a scan of rows that are locked moved nothing';
    END LOOP;
    RETURN QUERY SELECT c.list_id, c.request_hash, c.direction, c.gate, c.who, c.at,
        c.ticket_id, coalesce(c.result, c.saw), t.label, t.category, c.before_at,
        c.before_gate, c.before_who
    FROM checkin c LEFT JOIN ticket t ON t.ticket_id = c.ticket_id
    WHERE c.event_id = of_event AND c.nonce = scan;
END $$;
