"""A map in the making: what every source of maps is refused for."""

import pytest

from inventory import limits
from inventory.venue.draft import Draft, join, middle
from inventory.venue.errors import ChartError
from inventory.venue.map import Area, Category, Point, Seat

SEAT = Seat(index=0, label="A-1", number="1", category="1", x=0, y=0)
AREA = Area(label="GA", capacity=1, category="1")


def with_category() -> Draft:
    draft = Draft()
    draft.add_category("categories[0]", Category(key="1", label="All"))
    return draft


def test_a_label_is_joined_of_what_there_is():
    assert join("Stand", "A", "1") == "Stand-A-1"
    assert join(None, "A", None, "1") == "A-1"


def test_seats_and_areas_share_their_names():
    draft = with_category()
    assert draft.label("seats[0]", "A-1") == "A-1"
    with pytest.raises(ChartError, match="used twice"):
        draft.label("areas[0]", "A-1")


@pytest.mark.parametrize(
    "text", ["", "  ", "\u200b", "\x07", "a\0b", "a\nb", "\ud800", "x" * 101]
)
def test_text_must_be_fit_for_people_and_for_postgres(text):
    with pytest.raises(ChartError) as caught:
        Draft().text("name", text)
    assert caught.value.field == "name"


def test_a_category_is_listed_once_and_before_it_is_used():
    draft = with_category()
    assert draft.category("seat", "A-1", "1") == "1"
    with pytest.raises(ChartError, match="used twice"):
        draft.add_category("categories[1]", Category(key="1", label="Again"))
    with pytest.raises(ChartError, match="has no category"):
        draft.category("seat", "A-1", None)
    with pytest.raises(ChartError, match="not listed"):
        draft.category("seat", "A-1", "2")


@pytest.mark.parametrize("capacity", [0, -1, limits.AREA_CAPACITY_MAX + 1])
def test_an_areas_capacity_has_bounds(capacity):
    with pytest.raises(ChartError, match="Must be 1 to"):
        Draft().add_area("areas[0]", Area(label="GA", capacity=capacity, category="1"))


def test_everything_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "SEATS_PER_VENUE_MAX", 1)
    monkeypatch.setattr(limits, "AREAS_PER_VENUE_MAX", 1)
    monkeypatch.setattr(limits, "CATEGORIES_PER_VENUE_MAX", 1)
    draft = with_category()
    draft.add_seat("seats[0]", SEAT)
    draft.add_area("areas[0]", AREA)
    with pytest.raises(ChartError, match="More than 1 seats"):
        draft.add_seat("seats[1]", SEAT)
    with pytest.raises(ChartError, match="More than 1 areas"):
        draft.add_area("areas[1]", AREA)
    with pytest.raises(ChartError, match="More than 1 categories"):
        draft.add_category("categories[1]", Category(key="2", label="Other"))


def test_a_map_holds_what_was_added_and_something_to_sell():
    draft = with_category()
    with pytest.raises(ChartError, match="neither a seat nor an area"):
        draft.finish("", None, {})
    draft.add_seat("seats[0]", SEAT)
    finished = draft.finish("", Point(1, 2), {"Stand": Point(3, 4)})
    assert (finished.seats, finished.areas) == ([SEAT], [])
    assert finished.categories == [Category(key="1", label="All")]
    assert finished.focal_point == Point(1, 2)


def test_the_middle_of_some_points_is_their_mean():
    assert middle([(0, 0), (1, 2), (1, 1)]) == Point(0.67, 1.0)
