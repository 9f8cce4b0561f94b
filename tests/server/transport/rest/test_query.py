"""What is asked for in a query, and what is not there to be asked for."""

import pytest
from multidict import MultiDict

from server.transport.http.problems import ProblemError
from server.transport.rest.query import FAULTS_MAX, bool_of, check_names

KNOWN = {"limit": False, "cursor": False, "organisation": False, "tag": True}


def faults(query: list[tuple[str, str]], known=KNOWN) -> list[tuple[str, str]]:
    with pytest.raises(ProblemError, match="bad_field") as caught:
        check_names(MultiDict(query), known)
    assert caught.value.detail == caught.value.errors[0].detail
    return [(fault.field, fault.detail) for fault in caught.value.errors]


def test_what_a_route_has_is_let_through():
    check_names(MultiDict(limit="5", cursor=""), KNOWN)
    check_names(MultiDict([("tag", "a"), ("tag", "b")]), KNOWN)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("limits", "limit"),
        ("LIMIT", "limit"),
        ("organization", "organisation"),
        ("tags", "tag"),
        ("curser", "cursor"),
    ],
)
def test_what_a_route_has_not_is_told_with_what_is_near(wrong, near):
    ((field, detail),) = faults([(wrong, "1")])
    assert field == wrong
    assert f"Did you mean `{near}`?" in detail


def test_without_anything_near_all_are_named():
    ((_, detail),) = faults([("xyz", "1")])
    assert all(f"`{name}`" in detail for name in KNOWN)
    ((_, detail),) = faults([("limit", "1")], {})
    assert "takes none" in detail


def test_all_faults_come_at_once_up_to_a_bound():
    found = faults([("limit", "1"), ("limit", "2"), ("page", "1"), ("tagg", "x")])
    assert [field for field, _ in found] == ["limit", "page", "tagg"]
    assert len(faults([(f"x{n}", "") for n in range(1_000)])) == FAULTS_MAX


def test_a_long_name_is_not_sent_back_whole():
    ((field, detail),) = faults([("y" * 7_000, "")])
    assert len(field) < 100
    assert len(detail) < 300


@pytest.mark.parametrize(
    ("query", "value"),
    [({}, None), ({"count": "true"}, True), ({"count": "false"}, False)],
)
def test_a_choice_of_two(query, value):
    assert bool_of(query, "count") is value


@pytest.mark.parametrize("text", ["", "1", "True", "yes"])
def test_what_is_neither_of_the_two_is_refused(text):
    with pytest.raises(ProblemError, match="bad_field"):
        bool_of({"count": text}, "count")
