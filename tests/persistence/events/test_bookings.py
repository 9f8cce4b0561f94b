"""Bookings as they are looked up and listed."""

import pytest

from persistence.errors import BadCursor
from persistence.events.bookings import Bookings, Buyer, Wanted
from tests.persistence.journals import make_batch, make_booking

ANY = Wanted()


@pytest.fixture
async def bookings(store) -> Bookings:
    """Five bookings of `buyer`, who has an account; the third is cancelled."""
    ownership = await store.own("evt")
    for n in range(5):
        batch = make_batch(ownership, bookings=[make_booking(f"b{n}", n + 1)])
        await store.commit(ownership, batch)
    await store.commit(ownership, make_batch(ownership, cancelled=["b2"]))
    await store.query(
        "INSERT INTO account (user_id, email, password_hash, role, name)"
        " VALUES ('buyer', 'olga@example.org', '-', 'customer', 'Olga Öst')"
    )
    return Bookings(store.pool)


async def test_a_booking_is_found_by_id_and_by_reference(bookings):
    booking = await bookings.find("b1")
    assert (booking.user, booking.event, booking.version) == ("buyer", "evt", 2)
    assert await bookings.find_by_reference("REF-b1") == booking
    assert await bookings.find("other") is None
    assert await bookings.find_by_reference("other") is None


async def test_a_user_s_bookings_come_in_pages_newest_first(bookings):
    first, cursor = await bookings.list_of_user("buyer", ANY, limit=3)
    rest, end = await bookings.list_of_user("buyer", ANY, limit=3, cursor=cursor)
    assert [one.booking for one in first + rest] == ["b4", "b3", "b2", "b1", "b0"]
    assert end is None
    assert await bookings.list_of_user("other", ANY, limit=3) == ([], None)
    with pytest.raises(BadCursor):
        await bookings.list_of_user("buyer", ANY, limit=3, cursor="nonsense")


async def test_bookings_are_listed_by_state_event_and_time(bookings):
    async def listed(wanted: Wanted, event: str | None = None) -> list[str]:
        found, _ = await bookings.list_of_user("buyer", wanted, event=event, limit=9)
        of_event = await bookings.list_of_event("evt", wanted, limit=9)
        if event is None:
            assert [one.booking for one, _ in of_event] == [b.booking for b in found]
        return [one.booking for one in found]

    middle = await bookings.find("b2")
    assert await listed(Wanted(cancelled=True)) == ["b2"]
    assert await listed(Wanted(cancelled=False)) == ["b4", "b3", "b1", "b0"]
    assert await listed(Wanted(begin=middle.created_at)) == ["b4", "b3", "b2"]
    assert await listed(Wanted(end=middle.created_at)) == ["b1", "b0"]
    assert await listed(ANY, event="evt") == ["b4", "b3", "b2", "b1", "b0"]
    assert await listed(ANY, event="other") == []


async def test_an_event_s_bookings_go_on_below_a_version(bookings):
    found = await bookings.list_of_event("evt", ANY, limit=2)
    assert [one.booking for one, _ in found] == ["b4", "b3"]
    rest = await bookings.list_of_event("evt", ANY, below=4, limit=9)
    assert [one.booking for one, _ in rest] == ["b2", "b1", "b0"]
    assert await bookings.list_of_event("other", ANY, limit=9) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("b3", ["b3"]),
        ("ref-", ["b4", "b3", "b2", "b1", "b0"]),
        ("REF-", ["b4", "b3", "b2", "b1", "b0"]),
        ("buyer", ["b4", "b3", "b2", "b1", "b0"]),
        ("OLGA@example", ["b4", "b3", "b2", "b1", "b0"]),
        ("öst", ["b4", "b3", "b2", "b1", "b0"]),
        ("A-2", ["b4", "b3", "b2", "b1", "b0"]),
        ("A-3", []),
        ("%", []),
        ("_", []),
    ],
)
async def test_an_event_s_bookings_are_searched(bookings, text, found):
    rows = await bookings.list_of_event(
        "evt", ANY, text=text, text_is_seat=text.startswith("A-"), limit=9
    )
    assert [one.booking for one, _ in rows] == found
    assert all(buyer == Buyer("olga@example.org", "Olga Öst") for _, buyer in rows)


async def test_a_seat_is_looked_for_whole(bookings):
    assert len(await bookings.list_of_event("evt", ANY, seat="A-1", limit=9)) == 5
    assert await bookings.list_of_event("evt", ANY, seat="A-", limit=9) == []


async def test_a_guest_has_neither_name_nor_address(store, bookings):
    await store.query("DELETE FROM account")
    ((_, buyer),) = await bookings.list_of_event("evt", ANY, text="b3", limit=9)
    assert buyer == Buyer(None, None)
    assert "olga" not in repr(Buyer("olga@example.org", "Olga"))
