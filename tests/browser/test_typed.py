"""What organisers type, as the modules of their pages read it."""

import pytest
import pytest_asyncio

pytestmark = pytest.mark.campaign
SETUP = "/assets/000000000000/setup"
STAGE = "/assets/000000000000/stage"
RUN = """async ([module, name, calls]) => {
  const found = (await import(module))[name];
  return calls.map((one) => found(...one));
}"""
MOMENTS = {
    ("2026-12-31T20:00", "Europe/Berlin"): "2026-12-31T19:00:00Z",
    ("2026-07-01T20:00", "Europe/Berlin"): "2026-07-01T18:00:00Z",
    # Twice that night: meant is the first time.
    ("2026-10-25T02:30", "Europe/Berlin"): "2026-10-25T00:30:00Z",
    ("2026-11-01T01:30", "America/New_York"): "2026-11-01T05:30:00Z",
    # Left out that night: an hour later.
    ("2026-03-29T02:30", "Europe/Berlin"): "2026-03-29T01:30:00Z",
    ("2026-01-01T00:00", "Pacific/Auckland"): "2025-12-31T11:00:00Z",
    ("2026-03-29T02:30", "UTC"): "2026-03-29T02:30:00Z",
    ("", "UTC"): None,
}
AMOUNTS = {
    ("45", "EUR"): 4500,
    ("45.5", "EUR"): 4550,
    ("45,50", "EUR"): 4550,
    ("0", "EUR"): 0,
    ("500", "JPY"): 500,
    ("1.234", "KWD"): 1234,
    ("45.505", "EUR"): None,
    ("5.5", "JPY"): None,
    ("-1", "EUR"): None,
    ("1e3", "EUR"): None,
    ("much", "EUR"): None,
    ("", "EUR"): None,
}
LABELS = {
    ("A", 3): ["A", "B", "C"],
    ("Y", 4): ["Y", "Z", "AA", "AB"],
    ("AZ", 2): ["AZ", "BA"],
    ("9", 2): ["9", "10"],
    ("R9", 2): ["R9", "R10"],
}


@pytest_asyncio.fixture(loop_scope="session")
async def call(page):
    await page.goto("/account")

    async def call(module, name, *calls):
        return await page.evaluate(RUN, [module, name, [list(one) for one in calls]])

    return call


async def test_times_amounts_and_labels_are_read_as_people_mean_them(call):
    for module, name, table in (
        (f"{SETUP}/zone_time.js", "momentOf", MOMENTS),
        (f"{SETUP}/amounts.js", "amountIn", AMOUNTS),
        (f"{STAGE}/make.js", "labelsFrom", LABELS),
    ):
        assert dict(zip(table, await call(module, name, *table), strict=True)) == table


async def test_what_both_changed_is_named_and_what_one_did_is_taken(call):
    base = {"name": "a", "tags": "x", "prices": {"1": "5"}, "late": "same"}
    mine = base | {"name": "b", "tags": "y"}
    theirs = base | {"name": "c", "prices": {"1": "6"}}
    (merged,) = await call(f"{SETUP}/terms.js", "mergedWith", (base, mine, theirs))
    assert merged["clashes"] == ["name"]
    assert merged["values"] == mine | {"prices": {"1": "6"}}
    (same,) = await call(f"{SETUP}/terms.js", "mergedWith", (base, mine, mine))
    assert same == {"values": mine, "clashes": []}


async def test_blocks_are_laid_behind_and_beside_each_other(call):
    placed = {"beside": False, "right": 0, "back": 0, "turn": 0}
    rows = {
        "id": "a",
        "kind": "rows",
        "section": "",
        "category": "1",
        "first": "A",
        "rows": 2,
        "seats": 4,
        "grows": 1,
        "start": 1,
        "from": "left",
        "aisles": [2],
        "bend": 0,
        **placed,
    }
    area = {"id": "b", "kind": "area", "label": "GA", "capacity": 9, "category": "1"}
    tables = {
        "id": "c",
        "kind": "tables",
        "section": "",
        "category": "1",
        "first": "T1",
        "tables": 2,
        "seats": 3,
        "abreast": 2,
        "whole": True,
        **placed,
    }
    marks = {"A-1": {"gone": True}, "B-5": {"accessible": True, "category": "2"}}
    plan = {
        "categories": [{"key": "1", "label": "One", "color": "#123456"}],
        "blocks": [rows, {**area, **placed, "beside": True}, tables],
        "marks": marks,
        "stage": "Stage",
        "focal": None,
        "kept": None,
    }
    (made,) = await call(f"{STAGE}/make.js", "mapOf", (plan,))
    seats = {one["label"]: one for one in made["seats"]}
    assert list(seats) == [
        *("A-2", "A-3", "A-4"),
        *("B-1", "B-2", "B-3", "B-4", "B-5"),
        *("T1", "T2"),
    ]
    assert [one["index"] for one in made["seats"]] == list(range(10))
    assert (seats["B-5"]["accessible"], seats["B-5"]["category"]) == (True, "2")
    # An aisle behind the second seat, and the area beside the rows, not behind.
    apart = [seats[f"A-{n + 1}"]["x"] - seats[f"A-{n}"]["x"] for n in (2, 3)]
    assert apart == [pytest.approx(44), pytest.approx(20)]
    (place,) = made["areas"]
    assert place["x"] > seats["A-4"]["x"]
    assert seats["T1"]["y"] > max(seats["B-1"]["y"], place["y"])
    assert made["focal_point"]["y"] < seats["A-2"]["y"]
    (again,) = await call(f"{STAGE}/make.js", "doubled", (made,))
    assert again == []
