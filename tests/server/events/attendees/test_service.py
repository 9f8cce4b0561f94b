"""Registrations that are driven to their end, whoever dies on the way."""

import asyncio
from typing import Any

import pytest

from inventory.commands import Book, Cancel, Configure
from inventory.replies import refuse
from inventory.settings import Settings, SettingsPatch
from persistence.events.attendees import AlreadyRegistered, Attendee, NewAttendee
from persistence.events.catalog import Catalog
from persistence.journal.journal import PostgresJournal
from persistence.postgres.clock import DatabaseClock
from persistence.postgres.pool import Pool
from server.base.ids import RandomIds
from server.base.metrics import Metrics
from server.events.attendees import service as module
from server.events.attendees.service import RegistrationRefused, RegistrationService
from server.live.actors.registry import EventRegistry, ask
from server.live.fanout.hub import Hub

pytestmark = pytest.mark.postgres

EVENT = Settings(
    name="A talk",
    sale_state="on_sale",
    starts_at_ms=4_000_000_000_000,
    registration="open",
)


class Desk:
    """An event of three places, and whoever takes registrations for it."""

    def __init__(self, pool: Pool, registry: EventRegistry) -> None:
        self.pool, self.registry = pool, registry
        self.registrations = RegistrationService(pool, registry)

    async def register(
        self, email: str, name: str | None = None, user: str = "usr"
    ) -> Attendee:
        def next_name(attempt: int) -> str:
            return f"{name or f'att {email}'} {attempt}"

        new = NewAttendee(next_name(0), "evt", email, "Olga", user, b"hash")
        return await self.registrations.register(new, next_name)

    async def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in await self.pool.fetch(sql)]

    async def sold(self) -> int:
        ((sold,),) = await self.fetch("SELECT sold FROM area_sold")
        live = await self.fetch(
            "SELECT count(*) FROM booking WHERE cancelled_at IS NULL"
        )
        assert live == [(sold,)]
        return int(sold)

    async def held(self) -> int:
        """Count the places that are held, once the board has come so far."""
        local = await self.registry.find("evt")
        ((version,),) = await self.fetch("SELECT version FROM event_head")
        await local.hub.reach(version, 10)
        return local.board.counts()["held"]

    async def mails(self) -> int:
        ((mails,),) = await self.fetch("SELECT count(*) FROM mail")
        return int(mails)

    async def look_later(self) -> None:
        """Look as another process does after half a minute."""
        await self.pool.fetch(
            "UPDATE attendee SET driven_until = now() - interval '1 s'"
        )
        await RegistrationService(self.pool, self.registry).look()


@pytest.fixture
async def desk(database_url):
    pool = await Pool.open(database_url)
    clock = DatabaseClock()
    journal = await PostgresJournal.open(database_url, pool, "node test", clock)
    hub = Hub(asyncio.get_running_loop())
    catalog = Catalog(pool)
    registry = EventRegistry(catalog, journal, hub, clock, RandomIds(), Metrics())
    await catalog.create_event(
        "evt", EVENT, capacity=3, created_by="usr", request_hash=b""
    )
    yield Desk(pool, registry)
    await registry.stop(5)
    await journal.close()
    await pool.close()


class Died(Exception):
    """What a process would not live to see."""


def die_after(monkeypatch: pytest.MonkeyPatch, commands: int) -> None:
    """Let a process die after it has had the answers to so many commands."""
    left = [commands]

    async def dying(*args: Any) -> Any:
        if left[0] == 0:
            raise Died
        left[0] -= 1
        reply = await ask(*args)
        if left[0] == 0 and commands == 2:
            raise Died
        return reply

    monkeypatch.setattr(module, "ask", dying)


async def test_whoever_registers_has_a_place_and_a_mail(desk):
    made = await desk.register("olga@example.org")
    assert (made.state, made.shown) == ("registered", "registered")
    assert await desk.sold() == 1
    assert await desk.mails() == 1
    ((booking, order),) = await desk.fetch("SELECT booking_id, order_id FROM booking")
    assert (made.booking_id, made.attendee_id) == (booking, order)
    again = await desk.register("olga@example.org")
    assert again == made
    with pytest.raises(AlreadyRegistered):
        await desk.register("olga@example.org", "somebody else")
    assert (await desk.sold(), await desk.mails()) == (1, 1)


async def test_one_address_has_one_place_however_many_ask_at_once(desk):
    same = [desk.register("olga@example.org") for _ in range(5)]
    others = [desk.register("olga@example.org", f"other {n}") for n in range(5)]
    answers = await asyncio.gather(*same, *others, return_exceptions=True)
    made = {one.attendee_id for one in answers if isinstance(one, Attendee)}
    assert len(made) == 1
    assert all(isinstance(one, Attendee | AlreadyRegistered) for one in answers)
    assert (await desk.sold(), await desk.mails()) == (1, 1)


async def test_no_more_register_than_there_are_places(desk):
    asked = [desk.register(f"{n}@example.org") for n in range(12)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Attendee) for one in answers) == 3
    refused = [one for one in answers if isinstance(one, RegistrationRefused)]
    assert {one.refused.code for one in refused} == {"not_enough_seats"}
    assert len(refused) == 9
    assert await desk.sold() == 3
    states = await desk.fetch("SELECT state, count(*) FROM attendee GROUP BY 1")
    assert dict(states) == {"registered": 3, "gone": 9}


async def test_whoever_was_refused_registers_when_there_is_a_place(desk):
    made = [await desk.register(f"{n}@example.org") for n in range(3)]
    for _ in range(2):
        with pytest.raises(RegistrationRefused):
            await desk.register("late@example.org", "the same key")
    await desk.registrations.cancel(made[0], late=False)
    assert await desk.sold() == 2
    late = await desk.register("late@example.org", "the same key")
    assert late.state == "registered"
    assert late == await desk.register("late@example.org", "the same key")
    assert await desk.sold() == 3


@pytest.mark.parametrize("commands", [0, 1, 2])
async def test_what_a_dead_process_left_is_finished_by_another(
    desk, monkeypatch, commands
):
    """It dies before the hold, between hold and booking, and after the booking."""
    with monkeypatch.context() as patched:
        die_after(patched, commands)
        with pytest.raises(Died):
            await desk.register("olga@example.org")
    ((state,),) = await desk.fetch("SELECT state FROM attendee")
    assert state == "pending"
    assert await desk.mails() == 0
    # Somebody is at it, as far as anybody knows.
    await RegistrationService(desk.pool, desk.registry).look()
    assert await desk.fetch("SELECT state FROM attendee") == [("pending",)]
    await desk.look_later()
    assert await desk.fetch("SELECT state FROM attendee") == [("registered",)]
    assert (await desk.sold(), await desk.mails()) == (1, 1)
    assert await desk.held() == 0
    await desk.look_later()
    assert (await desk.sold(), await desk.mails()) == (1, 1)
    found = await desk.register("olga@example.org")
    assert found.state == "registered"


@pytest.mark.parametrize("nth", [0, 1])
@pytest.mark.parametrize("happened", [True, False])
async def test_what_nobody_knows_is_found_out_later(desk, monkeypatch, nth, happened):
    """The answer to the hold, or to the booking, is that it may have happened."""
    asked = []

    async def unknown(*args: Any) -> Any:
        asked.append(args)
        if len(asked) == nth + 1:
            if happened:
                await ask(*args)
            return refuse("outcome_unknown")
        return await ask(*args)

    with monkeypatch.context() as patched:
        patched.setattr(module, "ask", unknown)
        with pytest.raises(RegistrationRefused) as raised:
            await desk.register("olga@example.org")
    assert raised.value.refused.code == "outcome_unknown"
    # Its address is taken meanwhile.
    with pytest.raises(AlreadyRegistered):
        await desk.register("olga@example.org", "else", "somebody else")
    await desk.look_later()
    assert await desk.fetch("SELECT state FROM attendee") == [("registered",)]
    assert (await desk.sold(), await desk.held(), await desk.mails()) == (1, 0, 1)


async def test_a_booking_that_is_refused_for_good_ends_it(desk, monkeypatch):
    async def expired(*args: Any) -> Any:
        if isinstance(args[1], Book):
            return refuse("hold_expired")
        return await ask(*args)

    with monkeypatch.context() as patched:
        patched.setattr(module, "ask", expired)
        with pytest.raises(RegistrationRefused):
            await desk.register("olga@example.org")
    assert await desk.fetch("SELECT state FROM attendee") == [("gone",)]
    assert (await desk.register("olga@example.org")).state == "registered"
    assert await desk.sold() == 1


async def test_a_dead_process_s_registration_ends_where_there_is_no_place(
    desk, monkeypatch
):
    with monkeypatch.context() as patched:
        die_after(patched, 0)
        with pytest.raises(Died):
            await desk.register("olga@example.org")
    for n in range(3):
        await desk.register(f"{n}@example.org")
    await desk.look_later()
    states = await desk.fetch("SELECT state FROM attendee WHERE email LIKE 'olga%'")
    assert states == [("gone",)]
    assert await desk.sold() == 3


async def test_whoever_is_ended_while_it_is_driven_gives_the_place_back(
    desk, monkeypatch
):
    """Two were at it, and the other one found no place."""

    async def end_meanwhile(*args: Any) -> Any:
        await desk.registrations.store.end("att olga@example.org 0")
        return await ask(*args)

    with monkeypatch.context() as patched:
        patched.setattr(module, "ask", end_meanwhile)
        made = await desk.register("olga@example.org")
    assert made.state == "gone"
    assert (await desk.sold(), await desk.mails()) == (0, 0)


async def test_a_place_of_somebody_who_is_gone_is_given_back_later(desk, monkeypatch):
    """And the one who should have given it back died."""
    with monkeypatch.context() as patched:
        die_after(patched, 2)
        with pytest.raises(Died):
            await desk.register("olga@example.org")
    await desk.registrations.store.end("att olga@example.org 0")
    assert await desk.sold() == 1
    await desk.look_later()
    assert await desk.sold() == 0
    await desk.look_later()


async def test_a_cancelled_registration_frees_its_place_and_its_address(desk):
    made = await desk.register("olga@example.org")
    gone = await desk.registrations.cancel(made, late=False)
    assert gone.shown == "cancelled"
    assert await desk.sold() == 0
    # Again, as whoever did not hear the answer.
    again = await desk.registrations.cancel(made, late=False)
    assert again.shown == "cancelled"
    other = await desk.register("olga@example.org", "another time")
    assert other.attendee_id != made.attendee_id
    assert await desk.sold() == 1


async def test_a_booking_that_the_organiser_cancels_ends_the_registration(desk):
    made = await desk.register("olga@example.org")
    local = await desk.registry.find("evt")
    await ask(
        local, Cancel(id=0, event="evt", booking=made.booking_id), "org", True, None
    )
    found = await desk.registrations.store.find(made.attendee_id)
    assert found.shown == "cancelled"
    other = await desk.register("olga@example.org", "another time")
    assert other.state == "registered"


async def test_after_the_deadline_only_who_manages_the_event_cancels(desk):
    made = await desk.register("olga@example.org")
    local = await desk.registry.find("evt")
    late = SettingsPatch(cancel_until_s=10**9, starts_at_ms=1_800_000_000_000)
    await ask(local, Configure(id=0, event="evt", patch=late), "org", True, None)
    with pytest.raises(RegistrationRefused) as raised:
        await desk.registrations.cancel(made, late=False)
    assert raised.value.refused.code == "cancel_too_late"
    assert (await desk.registrations.store.find(made.attendee_id)).shown == "registered"
    assert (await desk.registrations.cancel(made, late=True)).shown == "cancelled"
