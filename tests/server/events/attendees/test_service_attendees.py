"""Registrations, made, seen and cancelled without a request."""

import pytest
from msgspec.structs import replace

from server.base.identity import Identity
from server.base.refusals.refusals import CommandRefused, Denied, Refusal
from server.events.attendees.service_attendees import Comer, SeenRegistration
from server.transport.ratelimit.meter import RateLimited
from server.transport.ratelimit.request_limits import MAILS_BURST
from tests.server.events.house import SETTINGS, House
from tests.server.identities import (
    ADMIN,
    GUEST,
    LENA,
    MAKER,
    MIA,
    OLGA,
    STAN,
    machine,
    person,
)
from tests.server.meters import Counter, uncounted

pytestmark = pytest.mark.postgres

OPEN = replace(SETTINGS, registration="open")
ANNA = Comer(email="anna@example.org", name="Anna")


async def register(
    house: House,
    comer: Comer = ANNA,
    who: Identity = GUEST,
    key: str | None = None,
    event: str = "evt",
) -> SeenRegistration:
    found = await house.events.find(who, event)
    made = await house.attendees.register(who, found, comer, key, uncounted())
    return await house.attendees.find(who, made.attendee_id)


async def test_a_registration_is_made_once_under_its_key(house):
    await house.put("evt", OPEN)
    first = await register(house, key="key")
    assert first.attendee.shown == "registered"
    assert await register(house, key="key") == first
    with pytest.raises(Refusal, match="key_reused"):
        await register(house, replace(ANNA, name="Another"), key="key")
    with pytest.raises(Refusal, match="already_registered"):
        await register(house, replace(ANNA, email="ANNA@example.org"), who=MIA)
    assert repr(ANNA) == "Comer(None)"


@pytest.mark.parametrize(
    ("comer", "field"),
    [
        (Comer(), "email"),
        (Comer(name="Anna"), "email"),
        (Comer(email="anna@example.org"), "name"),
        (Comer(email="none", name="Anna"), "email"),
        (Comer(person="per_1", email="anna@example.org"), "email"),
        (Comer(person="per_1", name="Anna"), "name"),
    ],
)
async def test_who_comes_is_named_one_way_or_the_other(house, comer, field):
    await house.put("evt", OPEN)
    with pytest.raises(Refusal, match="bad_field") as refused:
        await register(house, comer)
    assert [fault.field for fault in refused.value.faults] == [field]


async def test_people_of_the_house_come_by_their_id(house):
    await house.put("evt", OPEN)
    maker = await house.persons.maker(LENA)
    known = await house.persons.create(maker, "anna@example.org", "Anna", "org", None)
    comer = Comer(person=known.person_id)
    for who in (GUEST, MAKER, machine("other")):
        with pytest.raises(Refusal, match="attendee_not_found"):
            await register(house, comer, who)
    seen = await register(house, comer, STAN)
    row = seen.attendee
    assert (row.person_id, row.email, row.name) == (
        known.person_id,
        "anna@example.org",
        "Anna",
    )


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (SETTINGS, "registration_closed"),
        (replace(OPEN, payment="required"), "payment_required"),
    ],
)
async def test_an_event_that_takes_none_takes_none(house, settings, code):
    await house.put("evt", settings)
    counter = Counter()
    found = await house.events.find(GUEST, "evt")
    with pytest.raises(Refusal, match=code):
        await house.attendees.register(GUEST, found, ANNA, None, counter.of())
    assert counter.told == []


async def test_without_a_place_nobody_is_registered(house):
    await house.put("evt", OPEN, capacity=1)
    await register(house)
    with pytest.raises(CommandRefused, match="not_enough_seats"):
        await register(house, replace(ANNA, email="bea@example.org"))


async def test_an_address_gets_so_many_mails(house):
    await house.put("evt", OPEN)
    found = await house.events.find(GUEST, "evt")
    meter = Counter().of(GUEST.user)
    for _ in range(MAILS_BURST):
        meter.mail("anna@example.org")
    with pytest.raises(RateLimited):
        await house.attendees.register(GUEST, found, ANNA, None, meter)
    assert await (await house.attendees.of_event(OLGA, "evt")).count(None, None) == 0


async def test_a_registration_is_seen_by_who_made_it_and_who_runs_the_event(house):
    await house.put("evt", OPEN)
    await house.put("other", OPEN)
    seen = await register(house)
    name = seen.attendee.attendee_id
    for who in (GUEST, STAN, LENA, OLGA, ADMIN, machine("org")):
        assert await house.attendees.find(who, name) == seen
        assert await house.attendees.find_of_event(who, "evt", name) == seen
        with pytest.raises(Refusal, match="attendee_not_found"):
            await house.attendees.find_of_event(who, "other", name)
    for who in (MIA, MAKER, machine("other"), person("guest2", "guest")):
        with pytest.raises(Refusal, match="attendee_not_found"):
            await house.attendees.find(who, name)
    with pytest.raises(Refusal, match="event_not_found"):
        await house.attendees.find_of_event(OLGA, "none", name)


async def test_the_list_is_for_those_who_run_the_event(house):
    await house.put("evt", OPEN)
    await house.put("other", OPEN)
    one = await register(house)
    two = await register(house, replace(ANNA, email="bea@example.org", name="Bea"))
    await register(house, event="other")
    for who in (STAN, LENA, ADMIN, machine("org")):
        attendees = await house.attendees.of_event(who, "evt")
        rows, _ = await attendees.list(None, None, limit=10, cursor=None)
        assert rows == [two.attendee, one.attendee]
        assert await attendees.count("bea", "registered") == 1
        assert await attendees.count(None, "cancelled") == 0
    for who in (GUEST, MIA, MAKER, machine("other")):
        with pytest.raises(Denied, match="forbidden"):
            await house.attendees.of_event(who, "evt")
    with pytest.raises(Denied, match="unauthenticated"):
        await house.attendees.of_event(None, "evt")


async def test_who_registered_cancels_in_time_and_a_manager_always(house):
    # No longer than a day before it begins, which it does in an hour.
    starts_at_ms = house.clock.now_ms() + 3_600_000
    late = replace(OPEN, starts_at_ms=starts_at_ms, cancel_until_s=86_400)
    await house.put("evt", late)
    seen = await register(house)
    with pytest.raises(CommandRefused, match="cancel_too_late"):
        await house.attendees.cancel(GUEST, seen)
    with pytest.raises(Denied, match="forbidden"):
        await house.attendees.cancel(STAN, seen)
    cancelled = await house.attendees.cancel(LENA, seen)
    assert cancelled.shown == "cancelled"
    # It stays so, whoever asks again.
    again = await house.attendees.find(GUEST, cancelled.attendee_id)
    assert (await house.attendees.cancel(GUEST, again)).gone_at == cancelled.gone_at


async def test_what_is_not_certain_yet_is_not_cancelled(house):
    await house.put("evt", OPEN)
    seen = await register(house)
    await house.pool.fetch("UPDATE attendee SET state = 'pending'")
    pending = await house.attendees.find(GUEST, seen.attendee.attendee_id)
    with pytest.raises(Refusal, match="registration_pending"):
        await house.attendees.cancel(GUEST, pending)


async def test_the_code_of_the_mail_cancels_whoever_has_it(house):
    await house.put("evt", OPEN)
    seen = await register(house)
    (row,) = await house.pool.fetch("SELECT data ->> 'code' AS code FROM mail")
    code = row["code"]
    with pytest.raises(Refusal, match="code_invalid"):
        await house.attendees.cancel_by_code("never one")
    cancelled = await house.attendees.cancel_by_code(code)
    assert cancelled.attendee_id == seen.attendee.attendee_id
    assert cancelled.shown == "cancelled"
