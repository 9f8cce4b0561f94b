import msgspec
import pytest

from inventory.venue.drawing import Drawing, Text
from inventory.venue.map import Area, Category, Point, Seat, VenueMap
from inventory.venue.own import capacity_map, read_map
from server.events.venues.map_cache import (
    SEATS_PER_SLICE,
    MapDocument,
    Maps,
    encode_map,
    encode_stored,
)
from server.transport.http.response_cache import ENTRY_BYTES, Cache


def arena(seats: int) -> VenueMap:
    return VenueMap(
        seats=[
            Seat(
                index=i, label=f"A-{i}", row="A", number=str(i), category="1", x=i, y=0
            )
            for i in range(seats)
        ],
        areas=[Area(label="GA1", capacity=10, category="1")],
        categories=[Category(key="1", label="Stalls")],
        focal_point=Point(1, 2),
    )


async def test_a_map_in_slices_is_one_document_with_every_seat_in_order():
    for seats in (0, 1, SEATS_PER_SLICE, 2 * SEATS_PER_SLICE + 1):
        encoded = await encode_map(arena(seats))
        document = msgspec.json.decode(encoded.body, type=MapDocument)
        assert [seat.index for seat in document.seats] == list(range(seats))
        assert document.areas[0].capacity == 10
        assert document.focal_point == Point(1, 2)


async def test_what_is_shown_of_a_map_can_be_sent_back_whole():
    drawing = Drawing(texts=[Text(text="Bar", x=1, y=2)])
    focal_points = {"Stalls": Point(3, 4)}
    whole = msgspec.structs.replace(
        arena(3), drawing=drawing, section_focal_points=focal_points
    )
    for one in (whole, arena(3)):
        shown = msgspec.json.decode((await encode_map(one)).body)
        assert read_map(shown) == one
        focal = one.section_focal_points
        assert ("section_focal_points" in shown) == bool(focal)


async def test_every_seat_says_whether_it_is_accessible():
    encoded = await encode_map(arena(1))
    seat = msgspec.json.decode(encoded.body)["seats"][0]
    assert seat["accessible"] is False
    assert seat["section"] is None


async def test_the_same_map_has_the_same_tag_and_another_one_has_not():
    assert (await encode_map(arena(3))).etag == (await encode_map(arena(3))).etag
    assert (await encode_map(arena(3))).etag != (await encode_map(arena(4))).etag


async def test_a_map_is_encoded_once():
    maps = Maps(Cache(1 << 20))
    first = await maps.of("evt_1", arena(3))
    assert await maps.of("evt_1", arena(3)) is first


async def test_maps_kept_stay_within_their_bytes():
    one = len((await encode_map(arena(100))).body)
    maps = Maps(Cache(2 * (one + ENTRY_BYTES + len("evt_1"))))
    first = await maps.of("evt_1", arena(100))
    second = await maps.of("evt_2", arena(100))
    assert await maps.of("evt_1", arena(100)) is first
    await maps.of("evt_3", arena(100))
    assert await maps.of("evt_1", arena(100)) is first
    assert await maps.of("evt_2", arena(100)) is not second


@pytest.mark.parametrize("seats", [1, 3, 2_000])
async def test_a_stored_map_is_sent_as_a_loaded_one_is(seats):
    stored = msgspec.json.encode(arena(seats))
    loaded = msgspec.json.decode(stored, type=VenueMap)
    assert (await encode_stored(stored)).body == (await encode_map(loaded)).body


async def test_a_map_without_seats_is_sent_out_of_its_stored_form():
    plain = capacity_map(5)
    stored = msgspec.json.encode(plain)
    assert await encode_stored(stored) == await encode_map(plain)


async def test_what_a_map_draws_is_sent_and_its_absence_changes_nothing():
    plain = arena(1)
    drawing = Drawing(texts=[Text(text="Bar", x=1.0, y=2.0)])
    drawn = msgspec.structs.replace(plain, drawing=drawing)
    encoded = await encode_map(drawn)
    assert msgspec.json.decode(encoded.body, type=MapDocument).drawing == drawing
    assert b"drawing" not in (await encode_map(plain)).body
