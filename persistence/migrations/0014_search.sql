-- How texts are found, and by what addresses people are known again.

-- A word is found in upper or lower case, with or without accents, in either normal form,
-- and whatever punctuation stands in it. Columns and questions go through the same
-- functions, so that both always agree; nothing here needs an extension.

DO $$
DECLARE
    chosen text := '"default"';
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'The database is encoded in %, and Onsale needs UTF8.',
            current_setting('server_encoding');
    END IF;
    -- In a database whose own locale is C only the letters of ASCII have two cases.
    SELECT coalesce(
        (SELECT quote_ident(collname) FROM pg_collation
        WHERE collname IN ('pg_c_utf8', 'und-x-icu', 'C.utf8', 'C.UTF-8')
            AND collencoding IN (-1, 6)
        ORDER BY array_position('{pg_c_utf8,und-x-icu,C.utf8,C.UTF-8}', collname::text)
        LIMIT 1), chosen) INTO chosen;
    EXECUTE format(
        'CREATE FUNCTION search_lower(given text) RETURNS text'
        ' LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN lower(given COLLATE %s)', chosen);
END $$;

-- Without accents, marks and what cannot be seen. Letters that Unicode does not take
-- apart are written as those who have no such key write them.
CREATE FUNCTION search_fold(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(replace(replace(replace(
    translate(
        regexp_replace(
            search_lower(normalize(given, NFKD)),
            '[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4'
            '\u05c5\u05c7\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06dc'
            '\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e'
            '\u2060-\u206f\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff]+',
            '', 'g'),
        'øłđħıðŧς', 'oldhidtσ'),
    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');

-- What stands between words and between parts of words, as the inside of a bracket.
CREATE FUNCTION search_blanks() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '\u0001-\u0020\u0085\u1680\u2028\u2029';
CREATE FUNCTION search_breaks() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '\u0021-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u02b9-\u02ff'
    '\u055a-\u055f\u05be\u05c0\u05c3\u05f3\u05f4\u060c\u061b\u061f\u066a-\u066d\u06d4'
    '\u0964\u0965\u10fb\u2000-\u2bff\u2e00-\u2e7f\u3001-\u3004\u3008-\u3020\u3030'
    '\u303d\u30a0\u30fb';

-- The words of a folded text: of ac/dc these are ac, dc, acdc and the stroke itself. Of
-- what is longer than any address the beginning counts. `within` adds what begins within
-- a word, with a blank before it, which is in no word. In PL/pgSQL for its speed; it
-- calls nothing of ours, so that a dump can be restored under any search path.
CREATE FUNCTION search_split(folded text, blanks text, breaks text, within boolean)
RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    between text := '[' || blanks || ']+';
    words text[] := regexp_split_to_array(folded, '[' || blanks || breaks || ']+');
BEGIN
    IF folded ~ ('[' || breaks || ']') THEN
        words := words
            || regexp_split_to_array(folded, '[^' || breaks || ']+')
            || regexp_split_to_array(
                regexp_replace(folded, '[' || breaks || ']+', '', 'g'), between);
    END IF;
    words := array_remove(words, '');
    IF length(folded) > 254 THEN
        words := ARRAY(SELECT DISTINCT left(word, 254) FROM unnest(words) AS word);
    END IF;
    IF within THEN
        words := words || ARRAY(
            SELECT ' ' || substr(word, start)
            FROM unnest(words) AS word, generate_series(2, length(word)) AS start);
    END IF;
    RETURN words;
END $$;

-- `names` are found by any part of a word, `others` by the beginnings of words.
CREATE FUNCTION search_vector(names text, others text DEFAULT '') RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_tsvector(
    search_split(
        search_fold(coalesce(names, '')), search_blanks(), search_breaks(), true)
    || search_split(
        search_fold(coalesce(others, '')), search_blanks(), search_breaks(), false)
);

CREATE FUNCTION search_term(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format('(''%1$s'':* | '' %1$s'':*)',
    replace(replace(left(word, 254), '\', '\\'), '''', ''''''));

-- What finds the rows that have all words of a text, in any order. Null for a text
-- without a word. Punctuation counts where there is nothing else. Of ac/dc either the
-- whole is found, however it is divided, or each part as a word; of an address, which
-- has an @ in it, only the whole. Its cost keeps it from being asked for each row.
CREATE FUNCTION search_query(given text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000
RETURN (
    WITH asked AS (
        SELECT chunk, array_remove(
            regexp_split_to_array(chunk, '[' || search_breaks() || ']+'), '') AS parts
        FROM regexp_split_to_table(
            search_fold(given), '[' || search_blanks() || ']+') AS chunk
        WHERE chunk <> ''
    )
    SELECT string_agg(
        CASE
            WHEN cardinality(parts) = 0 THEN search_term(chunk)
            WHEN cardinality(parts) = 1 OR position('@' IN chunk) > 0
                THEN search_term(array_to_string(parts, ''))
            ELSE format('(%s | ''%s'':*)',
                search_term(array_to_string(parts, '')),
                (SELECT string_agg(left(part, 254), ''' & ''' ORDER BY place)
                FROM unnest(parts) WITH ORDINALITY AS p(part, place)))
        END, ' & ')::tsquery
    FROM asked
    WHERE cardinality(parts) > 0
        OR NOT EXISTS (SELECT FROM asked WHERE cardinality(parts) > 0)
);
COMMENT ON FUNCTION search_query IS 'asks what search_vector made';


-- Punycode (RFC 3492), and the address by which somebody is known: what
-- persistence/addresses.py makes of it, for those who came before there was that.
CREATE FUNCTION pg_temp.punycode(label text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    points integer[] := (SELECT array_agg(ascii(c)) FROM regexp_split_to_table(label, '') c);
    basic text := regexp_replace(label, '[^\u0001-\u007f]', '', 'g');
    made text := CASE WHEN basic = '' THEN '' ELSE basic || '-' END;
    digits text := 'abcdefghijklmnopqrstuvwxyz0123456789';
    handled integer := length(basic);
    n integer := 128;
    delta integer := 0;
    bias integer := 72;
    point integer;
    q integer;
    k integer;
    t integer;
    first boolean := true;
BEGIN
    WHILE handled < cardinality(points) LOOP
        point := (SELECT min(p) FROM unnest(points) p WHERE p >= n);
        delta := delta + (point - n) * (handled + 1);
        n := point;
        FOREACH point IN ARRAY points LOOP
            IF point < n THEN
                delta := delta + 1;
            ELSIF point = n THEN
                q := delta;
                k := 36;
                LOOP
                    t := greatest(1, least(26, k - bias));
                    EXIT WHEN q < t;
                    made := made || substr(digits, t + (q - t) % (36 - t) + 1, 1);
                    q := (q - t) / (36 - t);
                    k := k + 36;
                END LOOP;
                made := made || substr(digits, q + 1, 1);
                handled := handled + 1;
                delta := CASE WHEN first THEN delta / 700 ELSE delta / 2 END;
                first := false;
                delta := delta + delta / handled;
                k := 0;
                WHILE delta > 455 LOOP
                    delta := delta / 35;
                    k := k + 36;
                END LOOP;
                bias := k + 36 * delta / (delta + 38);
                delta := 0;
            END IF;
        END LOOP;
        delta := delta + 1;
        n := n + 1;
    END LOOP;
    RETURN 'xn--' || made;
END $$;

CREATE FUNCTION pg_temp.address_key(email text) RETURNS text LANGUAGE sql AS $$
    SELECT search_lower(normalize(split_part(email, '@', 1), NFC)) || '@'
        || string_agg(
            CASE WHEN label ~ '[^\u0001-\u007f]' THEN pg_temp.punycode(label) ELSE label END,
            '.' ORDER BY place)
    FROM regexp_split_to_table(
        normalize(search_lower(normalize(split_part(email, '@', 2), NFKC)), NFC), '\.')
        WITH ORDINALITY AS d(label, place)
$$;


-- Addresses are kept as they were typed; these are what they are compared by.
ALTER TABLE account ADD COLUMN email_key text COLLATE "C";
COMMENT ON COLUMN account.email_key IS
    'null for one that is deleted, and for one that came, before there were keys, by'
    ' another spelling of an address that somebody else has: only that spelling finds it';
ALTER TABLE attendee ADD COLUMN email_key text COLLATE "C";
COMMENT ON COLUMN attendee.email_key IS
    'null where nobody is to be told apart by it: forgotten, or as in account';
ALTER TABLE organisation_invitation ADD COLUMN email_key text COLLATE "C";

-- Nobody's account becomes another's: of several spellings the one whose owner proved to
-- read its mails gets the key, then the one that came first.
UPDATE account a SET email_key = ranked.key
FROM (
    SELECT user_id, key, row_number() OVER (
        PARTITION BY key ORDER BY verified_at, created_at, user_id) AS place
    FROM (
        SELECT user_id, verified_at, created_at, pg_temp.address_key(email) AS key
        FROM account WHERE email IS NOT NULL
    ) AS keyed
) AS ranked
WHERE a.user_id = ranked.user_id AND ranked.place = 1;
UPDATE attendee t SET email_key = ranked.key
FROM (
    SELECT attendee_id, key, row_number() OVER (
        PARTITION BY event_id, key, state = 'gone'
        ORDER BY registered_at, created_at, attendee_id) AS place, state
    FROM (
        SELECT *, pg_temp.address_key(email) AS key FROM attendee WHERE email <> ''
    ) AS keyed
) AS ranked
WHERE t.attendee_id = ranked.attendee_id AND (ranked.place = 1 OR ranked.state = 'gone');
UPDATE organisation_invitation SET email_key = pg_temp.address_key(email)
WHERE email <> '';
-- As when somebody is invited again: the earlier code is good no more.
UPDATE organisation_invitation i SET state = 'withdrawn', answered_at = now()
WHERE state = 'pending' AND EXISTS (
    SELECT FROM organisation_invitation o
    WHERE o.organisation_id = i.organisation_id AND o.email_key = i.email_key
        AND o.state = 'pending'
        AND (o.created_at, o.invitation_id) > (i.created_at, i.invitation_id));

DROP INDEX account_email, attendee_address, organisation_invitation_pending,
    organisation_invitation_email;
CREATE UNIQUE INDEX account_email ON account (email_key);
CREATE INDEX account_spelling ON account (lower(email))
    WHERE email_key IS NULL AND email IS NOT NULL;
CREATE UNIQUE INDEX attendee_address ON attendee (event_id, email_key)
    WHERE state <> 'gone';
CREATE UNIQUE INDEX organisation_invitation_pending
    ON organisation_invitation (organisation_id, email_key) WHERE state = 'pending';
CREATE INDEX organisation_invitation_email ON organisation_invitation (email_key);


-- What is found: events, people, organisations. A booking is found by its buyer.
DROP INDEX IF EXISTS event_name_parts;
ALTER TABLE event DROP COLUMN words;
DROP FUNCTION event_words;
CREATE FUNCTION event_words(
    name text, venue text, category text, tags text[], description text
) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN search_vector(name, venue || ' ' || coalesce(category, '') || ' '
    || array_to_string(tags, ' ') || ' ' || description);
ALTER TABLE event ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS
    (event_words(name, venue_name, category, tags, description)) STORED;
CREATE FUNCTION person_words(name text, email text, email_key text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN search_vector(coalesce(name, '') || ' ' || coalesce(email, '') || ' '
    || CASE WHEN email_key <> lower(email) THEN email_key ELSE '' END);
ALTER TABLE account ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS
    (person_words(name, email, email_key)) STORED;
ALTER TABLE attendee ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS
    (person_words(name, email, email_key)) STORED;
ALTER TABLE organisation ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS
    (search_vector(name)) STORED;
CREATE INDEX event_words ON event USING gin (words);
CREATE INDEX account_words ON account USING gin (words);
CREATE INDEX attendee_words ON attendee USING gin (words);
CREATE INDEX organisation_words ON organisation USING gin (words);

CREATE INDEX attendee_reference ON attendee (reference) WHERE reference IS NOT NULL;

-- A booking's note is looked for whole; the few that have one pay for it.
CREATE INDEX booking_order ON booking (event_id, order_id) WHERE order_id IS NOT NULL;
