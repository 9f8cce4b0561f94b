"""A body is read in a child as it is here, and one that takes too much is refused."""

import msgspec
import pytest

from server.events.venues import reader as module
from server.events.venues.reader import VenueReader, drawn_of
from server.transport.children.workshop import Failed
from server.transport.http.problems import ProblemError

SEATS = [{"row": "A", "number": n, "category": "1"} for n in range(3)]
PLAN = {"categories": [{"key": "1"}], "seats": SEATS}


def body_of(**fields):
    return msgspec.json.encode({"name": "Hall", "map": PLAN} | fields)


@pytest.fixture(params=[32 << 10, 0], ids=["thread", "child"])
def reader(request, monkeypatch):
    monkeypatch.setattr(module, "SMALL_BYTES", request.param)
    return VenueReader()


async def test_a_new_venue_and_a_change_are_read(reader):
    read = await reader.new(body_of(coordinates={"lat": 1.5, "lon": 2}))
    assert (read.wanted.name, read.wanted.map) == ("Hall", None)
    assert drawn_of(read).seats == 3
    change = await reader.change(body_of(planners=["org"]))
    assert (change.name, change.planners) == ("Hall", ["org"])
    assert change.map == drawn_of(read)
    plain = await reader.change(b'{"timezone": null}')
    assert (plain.map, plain.timezone) == (msgspec.UNSET, None)


async def test_what_is_wrong_is_told_as_ever(reader):
    for body, code in ((b"{", "bad_frame"), (b"{}", "bad_field")):
        with pytest.raises(ProblemError) as raised:
            await reader.new(body)
        assert raised.value.code == code
    wrong = PLAN | {"seats": [SEATS[0], SEATS[0]]}
    read = await reader.new(body_of(map=wrong))
    with pytest.raises(ProblemError) as raised:
        drawn_of(read)
    assert raised.value.errors[0].field.startswith("map.seats")
    with pytest.raises(ProblemError):
        await reader.change(body_of(map=wrong))


async def test_a_map_is_read_to_be_looked_at_and_all_its_faults_are_told(reader):
    body = msgspec.json.encode({"map": PLAN})
    assert await reader.preview(body) == drawn_of(await reader.new(body_of())).json
    seats = [SEATS[0], SEATS[0], {**SEATS[1], "category": "2"}]
    with pytest.raises(ProblemError) as raised:
        await reader.preview(msgspec.json.encode({"map": PLAN | {"seats": seats}}))
    places = [fault.field for fault in raised.value.errors]
    assert places == ["map.seats.1.label", "map.seats.2.category"]
    for wrong in ({}, {"map": PLAN, "chart": PLAN}):
        with pytest.raises(ProblemError) as raised:
            await reader.preview(msgspec.json.encode(wrong))
        assert [fault.field for fault in raised.value.errors] == ["map"]


async def test_the_hash_does_not_depend_on_where_a_body_is_read(monkeypatch):
    hashes = set()
    for small in (0, 32 << 10):
        monkeypatch.setattr(module, "SMALL_BYTES", small)
        hashes.add((await VenueReader().new(body_of())).request_hash)
    assert len(hashes) == 1


async def test_a_body_that_takes_too_much_is_a_bad_map(monkeypatch):
    monkeypatch.setattr(module, "SMALL_BYTES", 0)

    async def fail(_: bytes) -> bytes:
        raise Failed("status -9")

    reader = VenueReader()
    monkeypatch.setattr(reader._workshop, "run", fail)
    with pytest.raises(ProblemError) as raised:
        await reader.new(body_of())
    assert raised.value.errors[0].field == "map"
