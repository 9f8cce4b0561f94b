"""What is wrong with a chart is said where it is wrong."""

import pytest
from msgspec import Struct

from inventory.venue.errors import ChartError, convert


class Row(Struct):
    seats: list[int]


class Chart(Struct):
    rows: list[Row]


def test_a_chart_that_fits_is_converted():
    assert convert({"rows": [{"seats": [1]}]}, Chart) == Chart([Row([1])])


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"rows": [{"seats": [1]}, {"seats": [1, "x"]}]}, "rows[1].seats[1]"),
        ({"rows": 3}, "rows"),
        ({}, ""),
        ([], ""),
    ],
)
def test_the_path_leads_to_the_culprit(value, field):
    with pytest.raises(ChartError) as caught:
        convert(value, Chart)
    assert caught.value.field == field
    assert caught.value.detail.endswith(".")
    assert "`" not in caught.value.field


def test_half_characters_are_named():
    with pytest.raises(ChartError, match="lone surrogates"):
        convert({"\ud800": 1}, Chart)


def test_the_text_of_an_error_names_the_field_where_there_is_one():
    assert str(ChartError("a.b", "Wrong.")) == "a.b: Wrong."
    assert str(ChartError("", "Wrong.")) == "Wrong."
