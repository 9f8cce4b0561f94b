"""A map in the making: what every source of maps is refused for."""

import pytest

from inventory import limits
from inventory.faults import Fault
from inventory.venue.draft import Draft, join, middle
from inventory.venue.errors import ChartError, Faults
from inventory.venue.map import Area, Category, Point, Seat

SEAT = Seat(index=0, label="A-1", number="1", category="1", x=0, y=0)
AREA = Area(label="GA", capacity=1, category="1")


def with_category() -> Draft:
    draft = Draft(Faults())
    draft.add_category("categories.0", Category(key="1", label="All"))
    return draft


def test_a_label_is_joined_of_what_there_is():
    assert join("Stand", "A", "1") == "Stand-A-1"
    assert join(None, "A", None, "1") == "A-1"


def faults_of(draft: Draft) -> list[Fault]:
    with pytest.raises(ChartError) as caught:
        draft.faults.check()
    return caught.value.faults


def test_seats_and_areas_share_their_names():
    draft = with_category()
    assert draft.label("seats.0", "A-1") == "A-1"
    draft.faults.check()
    draft.label("areas.0", "A-1")
    assert faults_of(draft) == [Fault("areas.0", "The label 'A-1' is used twice.")]


@pytest.mark.parametrize(
    "text", ["", "  ", "\u200b", "\x07", "a\0b", "a\nb", "\ud800", "x" * 101]
)
def test_text_must_be_fit_for_people_and_for_postgres(text):
    draft = Draft(Faults())
    draft.text("name", text)
    assert [fault.field for fault in faults_of(draft)] == ["name"]


def test_a_category_is_listed_once_and_before_it_is_used():
    draft = with_category()
    assert draft.category("seats.0", "A-1", "1") == "1"
    draft.faults.check()
    draft.add_category("categories.1", Category(key="1", label="Again"))
    draft.category("seats.1", "A-1", None)
    draft.category("seats.2", "A-1", "2")
    assert faults_of(draft) == [
        Fault("categories.1.key", "The category key '1' is used twice."),
        Fault("seats.1", "'A-1' has no category."),
        Fault("seats.2", "'A-1' names the category '2', which is not listed."),
    ]


def test_no_category_is_called_unlisted_where_not_all_could_be_read():
    draft = with_category()
    draft.faults.add_broken("categories.1.key", "Of another kind.")
    draft.add_category("categories.1", Category(key="", label=""))
    draft.category("seats.0", "A-1", "2")
    assert [fault.field for fault in faults_of(draft)] == ["categories.1.key"]


@pytest.mark.parametrize("capacity", [0, -1, limits.AREA_CAPACITY_MAX + 1])
def test_an_areas_capacity_has_bounds(capacity):
    draft = with_category()
    draft.add_area("areas.0", Area(label="GA", capacity=capacity, category="1"))
    assert [fault.field for fault in faults_of(draft)] == ["areas.0.capacity"]


def test_everything_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "SEATS_PER_VENUE_MAX", 1)
    monkeypatch.setattr(limits, "AREAS_PER_VENUE_MAX", 1)
    monkeypatch.setattr(limits, "CATEGORIES_PER_VENUE_MAX", 1)
    draft = with_category()
    draft.add_seat("seats.0", SEAT)
    draft.add_area("areas.0", AREA)
    draft.add_category("categories.1", Category(key="2", label="Other"))
    assert faults_of(draft) == [Fault("categories", "More than 1 categories.")]
    with pytest.raises(ChartError) as caught:
        draft.add_seat("seats.1", SEAT)
    assert caught.value.faults[-1] == Fault("seats", "More than 1 seats.")
    with pytest.raises(ChartError) as caught:
        draft.add_area("areas.1", AREA)
    assert caught.value.faults[-1] == Fault("areas", "More than 1 areas.")


def test_a_map_holds_what_was_added_and_something_to_sell():
    draft = with_category()
    with pytest.raises(ChartError, match="neither a seat nor an area"):
        draft.finish("", None, {})
    draft = with_category()
    draft.add_seat("seats.0", SEAT)
    finished = draft.finish("", Point(1, 2), {"Stand": Point(3, 4)})
    assert (finished.seats, finished.areas) == ([SEAT], [])
    assert finished.categories == [Category(key="1", label="All")]
    assert finished.focal_point == Point(1, 2)


def test_the_middle_of_some_points_is_their_mean():
    assert middle([(0, 0), (1, 2), (1, 1)]) == Point(0.67, 1.0)
