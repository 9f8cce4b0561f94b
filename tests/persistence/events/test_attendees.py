"""Registrations as rows: one for an address, one at a time at it, one mail."""

import asyncio
from typing import Any

import pytest

from persistence.events.attendees import (
    AlreadyRegistered,
    Attendee,
    Attendees,
    NewAttendee,
    forget_attendees,
)
from persistence.mail import Mail
from persistence.people.accounts import Account
from tests.persistence.journals import Store, make_batch, make_booking
from tests.persistence.persons import ANNA, accounts_of, digest

OLGA = NewAttendee("att_1", "evt", "olga@example.org", "Olga Öst", "usr_1", b"hash")


@pytest.fixture
async def attendees(store: Store) -> Attendees:
    await store.make_event("evt")
    return Attendees(store.pool)


def new(**fields: Any) -> NewAttendee:
    known = {name: getattr(OLGA, name) for name in OLGA.__struct_fields__}
    return NewAttendee(**known | fields)


def mail(attendee: str) -> Mail:
    data = {"reference": "R", "code": "code"}
    name = f"mail {attendee}"
    return Mail(name, attendee, "olga@example.org", "registered", data, 60)


async def confirm(attendees: Attendees, name: str, booking: str = "b1") -> bool:
    reference = f"REF-{booking}"
    return await attendees.confirm(name, booking, reference, digest(name), mail(name))


async def book(store: Store, *bookings: str) -> None:
    """Have bookings of users that are called like them."""
    ownership = await store.journal.acquire("evt")
    assert ownership is not None
    rows = [make_booking(one, n) for n, one in enumerate(bookings, 1)]
    batch = make_batch(ownership, len(rows), bookings=rows)
    await store.commit(ownership, batch)
    await store.query("UPDATE booking SET user_id = 'att_' || right(booking_id, 1)")
    await store.journal.release(ownership, due=False)


async def left_alone(store: Store) -> None:
    await store.query("UPDATE attendee SET driven_until = now() - interval '1 s'")


async def test_an_address_registers_once_for_an_event(store, attendees):
    made = await attendees.begin(OLGA)
    assert (made.state, made.shown, made.booking_id) == ("pending", "pending", None)
    with pytest.raises(AlreadyRegistered):
        await attendees.begin(new(attendee_id="att_2", user_id="usr_2"))
    with pytest.raises(AlreadyRegistered):
        await attendees.begin(
            new(attendee_id="att_2", user_id="usr_2", email="OLGA@example.org")
        )
    await store.make_event("other")
    assert await attendees.begin(new(attendee_id="att_3", event_id="other"))


async def test_of_many_at_once_one_begins(attendees):
    many = [new(attendee_id=f"att_{n}", user_id=f"usr_{n}") for n in range(8)]
    answers = await asyncio.gather(
        *(attendees.begin(one) for one in many), return_exceptions=True
    )
    begun = [one for one in answers if isinstance(one, Attendee)]
    assert len(begun) == 1
    assert all(isinstance(one, Attendee | AlreadyRegistered) for one in answers), (
        answers
    )


async def test_the_same_request_finds_what_it_began(attendees):
    made = await attendees.begin(OLGA)
    assert await attendees.begin(OLGA) == made
    # Without a key its id is another one each time.
    assert await attendees.begin(new(attendee_id="att_2")) == made
    with pytest.raises(AlreadyRegistered):
        await attendees.begin(new(attendee_id="att_2", request_hash=b"other"))
    await confirm(attendees, "att_1")
    with pytest.raises(AlreadyRegistered):
        await attendees.begin(new(attendee_id="att_2"))


async def test_a_place_is_noted_once_and_mailed_once(store, attendees):
    await attendees.begin(OLGA)
    assert await confirm(attendees, "att_1") is True
    assert await confirm(attendees, "att_1", "b2") is False
    found = await attendees.find("att_1")
    assert found is not None
    assert (found.state, found.booking_id, found.reference) == (
        "registered",
        "b1",
        "REF-b1",
    )
    assert await attendees.find_by_code(digest("att_1")) == found
    assert await attendees.find_by_code(digest("other")) is None
    assert await store.query("SELECT count(*) FROM mail") == [(1,)]


async def test_whoever_is_gone_may_come_again(attendees):
    await attendees.begin(OLGA)
    await attendees.end("att_1")
    gone = await attendees.find("att_1")
    assert gone is not None
    assert gone.came_to_nothing
    assert gone.shown == "cancelled"
    assert await confirm(attendees, "att_1") is False
    assert (await attendees.begin(new(attendee_id="att_2"))).attendee_id == "att_2"


async def test_a_booking_that_was_cancelled_has_the_last_word(store, attendees):
    await attendees.begin(OLGA)
    await book(store, "b1")
    await confirm(attendees, "att_1")
    assert (await attendees.find("att_1")).shown == "registered"
    await store.query("UPDATE booking SET cancelled_at = now()")
    found = await attendees.find("att_1")
    assert (found.shown, found.state) == ("cancelled", "registered")
    listed, _ = await attendees.list_of_event("evt", shown="cancelled", limit=9)
    assert listed == [found]
    assert (await attendees.begin(new(attendee_id="att_2"))).attendee_id == "att_2"
    assert (await attendees.find("att_1")).state == "gone"


async def test_what_is_left_alone_is_taken_up_by_one(store, attendees):
    await attendees.begin(OLGA)
    assert await attendees.take_up() == []
    await left_alone(store)
    found = await asyncio.gather(*(attendees.take_up() for _ in range(4)))
    assert [one.attendee_id for taken in found for one in taken] == ["att_1"]
    await confirm(attendees, "att_1")
    await left_alone(store)
    assert await attendees.take_up() == []


async def test_whoever_is_gone_and_has_a_place_is_taken_up(store, attendees):
    await attendees.begin(OLGA)
    await attendees.begin(new(attendee_id="att_2", email="bob@example.org"))
    await attendees.end("att_1")
    await attendees.end("att_2")
    await book(store, "b1")
    await left_alone(store)
    (taken,) = await attendees.take_up()
    assert (taken.attendee_id, taken.state) == ("att_1", "gone")
    assert await attendees.places("att_1") == ["b1"]
    assert await attendees.places("att_2") == []


async def test_those_who_registered_are_searched_in_pages(store, attendees):
    names = ["ann", "bob", "cat", "dan"]
    for n, name in enumerate(names, 1):
        fields = {"email": f"{name}@example.org", "name": name.title()}
        await attendees.begin(new(attendee_id=f"att_{n}", **fields))
    await book(store, "b1", "b2", "b3")
    for n in (1, 2, 3):
        await confirm(attendees, f"att_{n}", f"b{n}")
    await attendees.end("att_2")
    await attendees.begin(new(attendee_id="att_5", email="eve@example.org"))
    await attendees.end("att_5")

    async def ids(**wanted: Any) -> list[str]:
        found, _ = await attendees.list_of_event("evt", limit=9, **wanted)
        return [one.attendee_id for one in found]

    # Of whom nothing came, nothing is told.
    assert await ids() == ["att_4", "att_3", "att_2", "att_1"]
    assert await ids(shown="registered") == ["att_3", "att_1"]
    assert await ids(shown="cancelled") == ["att_2"]
    assert await ids(shown="pending") == ["att_4"]
    assert await ids(text="CAT@ex") == ["att_3"]
    assert await ids(text="dan") == ["att_4"]
    assert await ids(text="ref-b1") == []
    assert await ids(text="REF-B1") == []
    assert await ids(text="att_2") == ["att_2"]
    first, cursor = await attendees.list_of_event("evt", limit=3)
    rest, end = await attendees.list_of_event("evt", limit=3, cursor=cursor)
    assert (len(first), len(rest), end) == (3, 1, None)
    mine, _ = await attendees.list_of_user("usr_1", limit=9)
    assert [one.attendee_id for one in mine] == await ids()
    assert await attendees.list_of_user("usr_2", limit=9) == ([], None)


async def test_a_deleted_account_leaves_nobody_s_name(store, attendees):
    accounts = accounts_of(store.pool, forget_attendees)
    anna = Account(ANNA.user_id, "a@example.org", "hash", "customer", "Anna")
    await store.query(
        "INSERT INTO account (user_id, email, password_hash, role, name)"
        " VALUES ($1, $2, 'hash', 'customer', 'Anna')",
        anna.user_id,
        anna.email,
    )
    await attendees.begin(OLGA)
    await attendees.begin(new(attendee_id="att_2", email="bob@example.org"))
    await attendees.begin(
        new(attendee_id="att_3", email="eve@example.org", user_id="usr_3")
    )
    await confirm(attendees, "att_1")
    await accounts.delete(anna.user_id)
    for name in ("att_1", "att_2"):
        found = await attendees.find(name)
        assert (found.email, found.name) == ("", "")
    assert (await attendees.find("att_3")).email == "eve@example.org"
    assert await attendees.find_by_code(digest("att_1")) is None
    assert await store.query("SELECT count(*) FROM mail") == [(0,)]


async def test_who_it_is_stands_in_no_log(attendees):
    made = await attendees.begin(OLGA)
    for text in (repr(OLGA), repr(made)):
        assert "lga" not in text
