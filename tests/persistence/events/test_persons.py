"""People of the house, in a real Postgres."""

import pytest
from msgspec.structs import replace

from persistence.events.attendees import Attendees, NewAttendee
from persistence.events.persons import (
    AddressTaken,
    NewPerson,
    Persons,
    forget_persons,
)
from persistence.people.organisations import Organisations
from tests.persistence.journals import SETTINGS
from tests.persistence.persons import organised, registered

pytestmark = pytest.mark.postgres

EMIL = NewPerson("per_1", "org", "emil@example.org", "Emil", "usr_anna", b"h")
OWN = replace(EMIL, person_id="per_own", organisation_id=None)


@pytest.fixture
async def persons(store):
    await registered(store.pool, "anna", "bert", "cleo")
    await organised(store.pool, anna="owner", bert="staff")
    return Persons(store.pool)


async def seen(persons, reader, text=None):
    page, _ = await persons.list_of(reader, text=text, limit=9)
    return {one.person_id for one in page}


async def test_an_address_is_one_person_s_of_a_keeper(persons):
    made = await persons.create(EMIL)
    assert await persons.create(EMIL) == made
    for spelling in ("EMIL@example.org", " emil@EXAMPLE.org"):
        with pytest.raises(AddressTaken):
            await persons.create(replace(EMIL, person_id="per_2", email=spelling))
    assert (await persons.create(OWN)).keeper_id == "usr_anna"
    stolen = replace(EMIL, organisation_id=None, created_by="usr_cleo")
    with pytest.raises(AddressTaken):
        await persons.create(stolen)


async def test_nobody_sees_whom_others_know(persons):
    await persons.create(EMIL)
    await persons.create(OWN)
    both = {"per_1", "per_own"}
    for reader, whom in (
        (None, both),
        ("usr_anna", both),
        ("usr_bert", {"per_1"}),
        ("org", {"per_1"}),
        ("usr_cleo", set()),
    ):
        assert await seen(persons, reader) == whom
        assert await seen(persons, reader, "emil") == whom
        for name in both:
            found = await persons.find(name, reader)
            assert (found is not None) == (name in whom)


async def test_persons_are_found_by_words_and_listed_in_pages(persons):
    for n in range(5):
        email = f"n{n}@example.org"
        await persons.create(
            replace(EMIL, person_id=f"per_{n}", email=email, name=f"Ñandú {n}")
        )
    assert await seen(persons, "org", "nandu 3") == {"per_3"}
    assert await seen(persons, "org", "n4@") == {"per_4"}
    assert await seen(persons, "org", "per_2") == {"per_2"}
    assert await seen(persons, "org", "%") == set()
    page, cursor = await persons.list_of("org", limit=3)
    rest, none = await persons.list_of("org", limit=3, cursor=cursor)
    assert [one.person_id for one in page + rest] == [
        f"per_{n}" for n in (4, 3, 2, 1, 0)
    ]
    assert none is None


async def test_who_is_forgotten_keeps_the_place(persons, store):
    await persons.create(EMIL)
    await store.catalog.create_event(
        "evt", SETTINGS, capacity=9, created_by="usr_anna", request_hash=b"h"
    )
    attendees = Attendees(store.pool)
    new = NewAttendee("att_1", "evt", EMIL.email, "Emil", "usr_anna", b"", "per_1")
    assert (await attendees.begin(new)).person_id == "per_1"
    assert await persons.delete("per_1")
    assert not await persons.delete("per_1")
    kept = await attendees.find("att_1")
    assert kept is not None
    assert (kept.email, kept.person_id) == (EMIL.email, None)
    gone = replace(new, attendee_id="att_2", email="else@example.org")
    assert (await attendees.begin(gone)).person_id is None


async def test_nothing_is_known_of_them_after_their_keeper(persons, store):
    await persons.create(EMIL)
    await persons.create(OWN)
    async with store.pool.transaction() as connection:
        await forget_persons(connection, "usr_anna")
    assert await seen(persons, None) == {"per_1"}
    await Organisations(store.pool).delete("org")
    assert await seen(persons, None) == set()
    assert "emil" not in repr(EMIL).lower()
