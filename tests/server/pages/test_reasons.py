"""What the server says of charts and events has words on the pages that show it."""

import re
from typing import Any

import msgspec
import pytest

from inventory.rules.settings import (
    past_faults,
    price_faults,
    time_faults,
    type_faults,
)
from inventory.settings import Money, PriceType, Settings
from inventory.venue.chart import read_chart
from inventory.venue.errors import ChartError
from inventory.venue.own import read_map
from server.pages.assets import Assets
from tests.contract import charts

FILES = {path: one.body.decode() for path, one in Assets().files.items()}
ROW = re.compile(r'^  \[(`[^`]*`|"(?:[^"\\]|\\.)*"), "([\w.]+)"\],$', re.M)
QUOTED = "(?:'([^']*)'|\"([^\"]*)\")"
EUR = Money(100, "EUR")
DAY_MS = 86_400_000


def reasons_of(path):
    """Read the table of a module: what a sentence begins with, and its words."""
    table = FILES[path].partition("REASONS = ")[2].partition("]);")[0]
    rows = ROW.findall(table)
    assert len(rows) > 10
    patterns = [
        text[1:-1].replace("${QUOTED}", QUOTED)
        if text.startswith("`")
        else msgspec.json.decode(text)
        for text, _ in rows
    ]
    return [
        (re.compile(pattern), words)
        for pattern, (_, words) in zip(patterns, rows, strict=True)
    ]


def words_for(path, detail):
    return next((words for one, words in reasons_of(path) if one.search(detail)), None)


def faults_of(read, document):
    with pytest.raises(ChartError) as raised:
        read(document)
    return [fault.detail for fault in raised.value.faults]


def seats(*labels, **fields):
    usual = {"row": "A", "category": "1"}
    return [usual | {"number": label} | fields for label in labels]


def own(**fields):
    return {"categories": [{"key": "1"}], "seats": seats(1)} | fields


def drawn(change):
    chart = charts.chart(
        [charts.row("A", 3, 10.0), charts.row("B", 3, 25.0)], [charts.area("GA", 5)]
    )
    change(chart, chart["subChart"]["rows"][0]["seats"])
    return chart


MAPS = {
    "f_twice": own(seats=seats(1, 1)),
    "f_keyTwice": own(categories=[{"key": "1"}, {"key": "1"}]),
    "f_strange": own(seats=seats(1, category="2")),
    "f_unlabelled": own(seats=[{"row": "A", "category": "1"}]),
    "f_empty": own(seats=[]),
    "f_long": own(seats=seats("x" * 300)),
    "f_range": own(areas=[{"label": "GA", "capacity": 0, "category": "1"}]),
    "f_nowhere": own(seats=seats(1, x=1.0)),
    "f_colour": own(categories=[{"key": "1", "color": "<red>"}]),
    "f_unreadable": own(seats=seats("\u200b")),
    "f_kind": own(seats=seats(1, accessible="yes")),
    "f_missing": {"seats": seats(1)},
    "f_tooMany": own(categories=[{"key": n} for n in range(201)]),
}
CHARTS = {
    "f_noCategory": lambda _, row: row[0].update(categoryKey=None),
    "f_unlabelled": lambda _, row: row[0].update(label="?"),
    "f_twice": lambda _, row: row[0].update(label="2"),
    "f_capacity": lambda chart, _: chart["subChart"]["generalAdmissionAreas"][0].update(
        capacity=None
    ),
}


@pytest.mark.parametrize("words", MAPS)
def test_each_fault_of_a_map_has_words(words):
    told = faults_of(read_map, MAPS[words])
    assert f"stage.{words}" in {words_for("stage/faults.js", one) for one in told}


@pytest.mark.parametrize("words", CHARTS)
def test_each_fault_of_a_chart_has_words(words):
    told = faults_of(read_chart, drawn(CHARTS[words]))
    assert [words_for("stage/faults.js", one) for one in told] == [f"stage.{words}"]


def settings(**fields):
    usual: dict[str, Any] = {
        "name": "x",
        "starts_at_ms": 10 * DAY_MS,
        "prices": {"1": EUR},
    }
    return Settings(**(usual | fields))


EVENTS = {
    "r_past": past_faults(settings(), 11 * DAY_MS),
    "r_endsBefore": time_faults(settings(ends_at_ms=9 * DAY_MS)),
    "r_opensLate": time_faults(settings(on_sale_at_ms=11 * DAY_MS)),
    "r_closesBefore": time_faults(
        settings(on_sale_at_ms=9 * DAY_MS, off_sale_at_ms=8 * DAY_MS)
    ),
    "r_closesLate": time_faults(settings(off_sale_at_ms=99 * DAY_MS)),
    "r_noPrice": price_faults({"1": EUR}, ("1", "2"), ("1", "2")),
    "r_oneCurrency": price_faults({"1": EUR, "2": Money(1, "USD")}, None, ()),
    "r_currency": price_faults({"1": Money(1, "XQX")}, None, ()),
    "r_most": price_faults({"1": Money(1 << 40, "EUR")}, None, ()),
    "r_typePrice": type_faults(
        settings(types={"child": PriceType("Child", {"2": EUR})})
    ),
}


@pytest.mark.parametrize("words", EVENTS)
def test_each_fault_of_an_event_has_words(words):
    told = {words_for("setup/trouble.js", one.detail) for one in EVENTS[words]}
    assert told == {f"setup.{words}"}
