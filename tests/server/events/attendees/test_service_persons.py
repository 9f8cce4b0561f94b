"""People of the house, noted, found and forgotten without a request."""

import pytest
from msgspec.structs import replace

from persistence.errors import Stale
from persistence.events.persons import Person
from server.base.refusals.refusals import Denied, Refusal
from server.events.attendees.service_attendees import Comer
from tests.server.events.house import SETTINGS, House
from tests.server.identities import ADMIN, GUEST, LENA, MAKER, MIA, OLGA, STAN, machine
from tests.server.meters import uncounted

pytestmark = pytest.mark.postgres

ANNA = "anna@example.org"


async def note(
    house: House,
    who=LENA,
    organisation: str | None = "org",
    key: str | None = None,
    email: str = ANNA,
    name: str = "Anna",
) -> Person:
    maker = await house.persons.maker(who)
    return await house.persons.create(maker, email, name, organisation, key)


async def test_somebody_is_noted_once_under_the_key(house):
    made = await note(house, key="key")
    assert (made.email, made.organisation_id) == (ANNA, "org")
    assert await note(house, key="key") == made
    with pytest.raises(Refusal, match="key_reused"):
        await note(house, key="key", name="Another")
    with pytest.raises(Refusal, match="attendee_exists"):
        await note(house, OLGA, email="ANNA@example.org")
    with pytest.raises(Refusal, match="bad_field"):
        await note(house, email="none")
    # Of another keeper it is another.
    mine = await note(house, MAKER, None)
    assert (mine.organisation_id, mine.keeper_id) == (None, MAKER.user)


async def test_people_are_noted_by_those_who_may_make_events(house):
    for who in (STAN, MIA, GUEST):
        with pytest.raises(Denied, match="forbidden"):
            await house.persons.maker(who)
    for who, organisation in ((MAKER, "org"), (machine("org"), "other")):
        with pytest.raises(Denied, match="forbidden"):
            await note(house, who, organisation)
    made = await note(house, machine("org"), None)
    assert made.organisation_id == "org"
    with pytest.raises(Refusal, match="bad_field"):
        await note(house, ADMIN, "none")


async def test_they_are_there_for_their_organisation_alone(house):
    known = await note(house)
    for who in (STAN, LENA, OLGA, ADMIN, machine("org")):
        assert await house.persons.find(who, known.person_id) == known
        seen = await house.persons.seen_by(who)
        assert await seen.list("anna", limit=10, cursor=None) == ([known], None)
        assert (await seen.count(None), await seen.count("bea")) == (1, 0)
    for who in (MAKER, machine("other")):
        assert await (await house.persons.seen_by(who)).count(None) == 0
    for who in (MIA, GUEST):
        with pytest.raises(Refusal, match="forbidden"):
            await house.persons.seen_by(who)
    for who in (MAKER, MIA, GUEST, machine("other")):
        with pytest.raises(Refusal, match="attendee_not_found"):
            await house.persons.find(who, known.person_id)
        with pytest.raises(Refusal, match="attendee_not_found"):
            await house.persons.delete(who, known.person_id, None)


async def test_who_leads_forgets_them(house):
    known = await note(house)
    with pytest.raises(Denied, match="forbidden"):
        await house.persons.delete(STAN, known.person_id, None)
    with pytest.raises(Stale):
        await house.persons.delete(LENA, known.person_id, (1,))
    await house.persons.delete(LENA, known.person_id, (0,))
    with pytest.raises(Refusal, match="attendee_not_found"):
        await house.persons.delete(LENA, known.person_id, None)


async def test_the_id_of_a_registration_is_good_too(house):
    await house.put("evt", replace(SETTINGS, registration="open"))
    event = await house.events.find(GUEST, "evt")
    comer = Comer(email=ANNA, name="Anna")
    made = await house.attendees.register(GUEST, event, comer, None, uncounted())
    name = made.attendee_id
    seen = await house.persons.find(STAN, name)
    assert seen == await house.attendees.find(GUEST, name)
    with pytest.raises(Refusal, match="attendee_not_found"):
        await house.persons.find(MIA, name)
    with pytest.raises(Denied, match="forbidden"):
        await house.persons.delete(STAN, name, None)
    with pytest.raises(Stale):
        await house.persons.delete(GUEST, name, (1,))
    await house.persons.delete(GUEST, name, None)
    assert (await house.attendees.find(GUEST, name)).attendee.shown == "cancelled"
