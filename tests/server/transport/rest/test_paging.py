import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.transport.http.problems import ProblemError
from server.transport.rest.paging import (
    Page,
    page_of,
    read_cursor,
    read_limit,
    read_number,
    write_cursor,
)


def test_a_page_has_fifty_items_unless_asked_otherwise():
    assert read_limit({}) == 50
    assert read_limit({"limit": "1"}) == 1
    assert read_limit({"limit": "200"}) == 200


@pytest.mark.parametrize(
    "text", ["0", "201", "-1", "+1", "1.0", "", " 1", "1_0", "٣", "1e1", "9" * 40]
)
def test_any_other_limit_is_a_wrong_field(text):
    with pytest.raises(ProblemError) as raised:
        read_limit({"limit": text})
    assert raised.value.code == "bad_field"
    assert raised.value.errors[0].field == "limit"


def test_a_number_may_be_zero_where_that_makes_sense():
    assert read_number("after", "0") == 0


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_comes_back_as_it_was(position):
    assert read_cursor({"cursor": write_cursor(position)}, int) == position


def test_no_cursor_is_the_first_page():
    assert read_cursor({}, int) is None


@given(st.text(max_size=600))
def test_any_other_cursor_is_a_wrong_field(text):
    try:
        found = read_cursor({"cursor": text}, int)
    except ProblemError as error:
        outcome = f"{error.code} {error.errors[0].field}"
    else:
        # Some text is a cursor by chance; then it is a position and nothing else.
        outcome = type(found).__name__
    assert outcome in ("bad_field cursor", "int")


def test_the_last_page_has_no_further_one():
    assert page_of([1], None) == Page([1], None)
    assert page_of([1], 5).next_cursor == write_cursor(5)
