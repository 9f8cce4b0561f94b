from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import limits
from persistence.errors import BadCursor
from persistence.postgres.cursors import decode_cursor, encode_cursor, fetched, page

TIMES = st.datetimes(timezones=st.just(UTC))


@given(
    TIMES, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
)
def test_a_cursor_gives_back_its_position(time, row_id):
    assert decode_cursor(encode_cursor(time, row_id)) == (time, row_id)


def test_no_cursor_is_the_beginning():
    assert decode_cursor(None) == (None, None)


@pytest.mark.parametrize("cursor", ["", "x", "ü", "AAAA", "====", "a b", "\ud800"])
def test_what_is_no_cursor_is_refused(cursor):
    with pytest.raises(BadCursor):
        decode_cursor(cursor)


@given(st.text())
def test_any_text_is_a_position_or_refused(text):
    try:
        time, row_id = decode_cursor(text)
    except BadCursor:
        return
    assert time is not None
    assert row_id is not None


def test_a_time_beyond_all_times_is_refused():
    far = encode_cursor(datetime(2000, 1, 1, tzinfo=UTC), "x")
    assert decode_cursor(far)[0] == datetime(2000, 1, 1, tzinfo=UTC)
    beyond = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
    assert decode_cursor(encode_cursor(beyond, "x"))[0] == beyond


@pytest.mark.parametrize("rows", [0, 2, 3])
def test_a_page_tells_where_the_next_one_begins(rows):
    time = datetime(2000, 1, 1, tzinfo=UTC)
    found, cursor = page(list("abc")[:rows], 2, lambda row: (time, row))
    assert found == list("ab")[:rows]
    assert cursor == (encode_cursor(time, "b") if rows > 2 else None)
    assert fetched(2) == 3
    assert fetched(10**6) == limits.PAGE_MAX + 1
