"""What is wrong with a chart is said where it is wrong, and all of it at once."""

from datetime import datetime
from typing import Annotated, Any, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from inventory import limits
from inventory.faults import (
    TOLD_MAX,
    Fault,
    Faults,
    FaultyError,
    below,
    convert,
    summary,
)


class Spot(Struct, rename="camel"):
    far_x: float
    y: float = 0.0


class Seat(Struct, forbid_unknown_fields=True):
    label: str
    weight: Annotated[int, Meta(ge=1)] | str = "light"
    spot: Spot | None = None


class Row(Struct):
    seats: list[Seat]
    looks: dict[str, Spot] = {}


class Chart(Struct):
    rows: list[Row] | None = None


def read(value: object) -> tuple[Chart, list[tuple[str, str]]]:
    faults = Faults()
    chart = convert(value, Chart, faults)
    try:
        faults.check()
    except FaultyError as error:
        return chart, [(fault.field, fault.detail) for fault in error.faults]
    return chart, []


def row(*seats: Any) -> dict[str, Any]:
    return {"rows": [{"seats": list(seats)}]}


def test_a_chart_that_fits_is_converted():
    chart, faults = read(row({"label": "1", "spot": {"farX": 1}}))
    assert chart == Chart([Row([Seat("1", spot=Spot(1.0))])])
    assert faults == []


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (row({"label": "1"}, {"label": 2}), ["rows.0.seats.1.label"]),
        (row({"label": "1", "weight": 0}), ["rows.0.seats.0.weight"]),
        (row({"label": "1", "spot": {}}), ["rows.0.seats.0.spot.farX"]),
        (row({}), ["rows.0.seats.0.label"]),
        (row(None), ["rows.0.seats.0"]),
        ({"rows": 3}, ["rows"]),
        (
            {"rows": [{"seats": [], "looks": {"a": {"farX": ""}}}]},
            ["rows.0.looks.a.farX"],
        ),
        ({"rows": [{"seats": [], "looks": {"\0": 1}}]}, ["rows.0.looks"]),
        ({"rows": [{"seats": [], "looks": []}]}, ["rows.0.looks"]),
        ([], [""]),
        ("chart", [""]),
        (
            {"rows": [3, {"seats": [{"label": 1, "weight": []}]}, {}]},
            [
                "rows.0",
                "rows.1.seats.0.label",
                "rows.1.seats.0.weight",
                "rows.2.seats",
            ],
        ),
    ],
)
def test_the_paths_lead_to_all_that_is_wrong(value, fields):
    _, faults = read(value)
    assert [field for field, _ in faults] == fields
    assert all(detail.endswith(".") and "`$" not in detail for _, detail in faults)


def test_what_is_well_is_read_beside_what_is_not():
    chart, _ = read(row({"label": "1"}, 7, {"label": "3", "weight": -1}))
    assert chart == Chart([Row([Seat("1"), Seat(""), Seat("3", weight=0)])])


def test_a_field_that_does_not_exist_is_told_with_the_nearest_one():
    _, faults = read(row({"label": "1", "wieght": 1}, {"label": "2", "\n": 1}))
    assert faults == [
        ("rows.0.seats.0.wieght", "There is no such field; the nearest is 'weight'."),
        ("rows.0.seats.1", "There is no such field."),
    ]


def test_half_characters_are_named():
    for value in ({"\ud800": 1}, row({"label": "1", "\ud800": 1})):
        ((_, detail),) = read(value)[1]
        assert "lone surrogates" in detail


def test_a_fault_is_told_once_and_what_follows_from_it_is_not():
    faults = Faults()
    faults.add_broken("seats.1.x", "Not a number.")
    faults.add("seats.1", "Needs both x and y.")
    faults.add("seats.1.label", "Used twice.")
    faults.add("seats.1.label", "Empty.")
    assert len(faults) == 2
    assert faults.is_broken("seats.1")
    assert not faults.is_blank("seats.1")
    assert faults.is_blank("seats.1.x")
    with pytest.raises(FaultyError) as caught:
        faults.check()
    assert [field for field, _ in caught.value.faults] == ["seats.1.x", "seats.1.label"]


def test_no_more_faults_are_looked_for_than_are_told():
    value = row(*[{"label": 1}] * (limits.FAULTS_LISTED_MAX + 1))
    with pytest.raises(FaultyError) as caught:
        read(value)
    assert len(caught.value.faults) == limits.FAULTS_LISTED_MAX


def test_the_text_of_an_error_names_the_field_where_there_is_one():
    assert (
        str(FaultyError([Fault("a.b", "Wrong."), Fault("c", "Bad.")])) == "a.b: Wrong."
    )
    assert str(FaultyError([Fault("", "Wrong.")])) == "Wrong."


def test_paths_begin_without_a_dot():
    assert below("", "rows") == "rows"
    assert below("rows", 3) == "rows.3"


class Order(Struct, forbid_unknown_fields=True):
    kind: Literal["gift", "own"]
    at: Annotated[datetime, Meta(tz=True)]
    lines: Annotated[list[Annotated[str, Meta(max_length=2)]], Meta(max_length=2)] = []
    tags: tuple[str, ...] = ()
    prices: dict[Annotated[str, Meta(min_length=1)], Spot | None] = {}
    note: str | UnsetType = UNSET


def order(**fields: Any) -> tuple[Order, list[tuple[str, str]]]:
    faults = Faults()
    given = {"kind": "own", "at": "2026-12-31T19:00:00Z", **fields}
    read = convert(given, Order, faults)
    return read, [(one.field, one.detail) for one in faults.all()]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "loan", "at": "today"}, ["kind", "at"]),
        ({"lines": ["a", "long", "longer"]}, ["lines", "lines.1", "lines.2"]),
        ({"lines": ["a", "b", "c"]}, ["lines"]),
        ({"tags": ["a", 1, 2]}, ["tags.1", "tags.2"]),
        ({"prices": {"": None, "a": {"farX": "1"}}}, ["prices", "prices.a.farX"]),
        ({"prices": {"a": None, "b": 3}, "nota": ""}, ["nota", "prices.b"]),
        ({"prices": {1: None}, "note": 1}, ["prices", "note"]),
    ],
)
def test_all_that_is_wrong_is_told_at_its_path(fields, expected):
    read, found = order(**fields)
    assert [field for field, _ in found] == expected
    # What stands in for it is of the right type.
    assert isinstance(read.at, datetime)
    assert isinstance(read.tags, tuple)
    assert read.kind in ("gift", "own")
    assert isinstance(read.note, str) or read.note is UNSET


def test_a_place_is_faulty_where_its_value_stands_in_for_another():
    faults = Faults()
    convert({"rows": [{"seats": 3}]}, Chart, faults)
    assert faults.is_faulty("rows.0.seats")
    assert faults.is_faulty("rows.0.seats.1.label")
    assert faults.is_faulty("rows")
    assert not faults.is_faulty("columns")


def test_a_text_tells_some_faults_and_counts_the_others():
    assert summary([Fault("a.b", "Wrong."), Fault("", "Bad.")]) == "a.b: Wrong. Bad."
    many = [Fault(str(i), "Wrong.") for i in range(TOLD_MAX + 3)]
    assert summary(many).endswith("9: Wrong. And 3 more.")
