"""Rehearsals of real events: asked for, run in a child, found again, forgotten."""

import asyncio

import pytest

from inventory.settings import LineSettings
from persistence.events.line.rehearsals import Rehearsals
from server.base.ids import RandomIds
from server.base.refusals.refusals import CommandRefused, Refusal
from server.events.line.rehearsal.people import Mix
from server.events.line.rehearsal.rest import document_of
from server.events.line.rehearsal.service import (
    MODULE,
    Asked,
    RehearsalService,
    rehearsed,
)
from server.transport.children.workshop import Workshop
from tests.server.events.line.room import settings, who
from tests.server.identities import OLGA

pytestmark = pytest.mark.postgres

ASKED = Asked(40, 60, Mix(), 1)


def workshop() -> Workshop:
    return Workshop(
        MODULE, at_once_max=1, waiting_max=0, memory_bytes=1 << 30, cpu_s=50
    )


async def served(room, made: Workshop):
    house = room.house
    return RehearsalService(
        house.events, Rehearsals(house.pool), house.clock, RandomIds(), made
    )


async def end_of(service, name):
    task = service.running.get(name)
    if task is not None:
        await task


@pytest.fixture
async def service(room):
    await room.house.put("evt", settings(max_per_user=4), capacity=30)
    made = await served(room, workshop())
    yield made
    await made.close()


async def test_a_rehearsal_of_what_is_free_today_runs_in_a_child(room, service):
    await room.buy("early", 4)
    before = await room.counts()
    made, new = await service.start(OLGA, "evt", ASKED, "k")
    assert (made.status, new) == ("running", True)
    # With the same key it is the same one, whether it runs or is over.
    again, new = await service.start(OLGA, "evt", ASKED, "k")
    assert (again.rehearsal_id, new) == (made.rehearsal_id, False)
    with pytest.raises(Refusal, match="key_reused"):
        await service.start(OLGA, "evt", Asked(41, 60, Mix(), 1), "k")
    # Another has to wait for it.
    with pytest.raises(CommandRefused, match="overloaded"):
        await service.start(OLGA, "evt", ASKED, None)
    await end_of(service, made.rehearsal_id)
    found = document_of(await service.find(OLGA, "evt", made.rehearsal_id))
    assert found.status == "done"
    assert found.report is not None
    assert (found.report.places, found.report.people) == (26, 40)
    # Nothing of it is real.
    assert await room.counts() == before
    learnt = await service.rehearsals.learnt("evt")
    assert learnt is not None
    assert '"kept"' in learnt
    await service.forget(OLGA, "evt", made.rehearsal_id)
    with pytest.raises(Refusal, match="rehearsal_not_found"):
        await service.find(OLGA, "evt", made.rehearsal_id)


async def test_strangers_rehearse_nothing(service):
    for call in (
        service.start(who("ann"), "evt", ASKED, None),
        service.find(who("ann"), "evt", "x"),
        service.forget(who("ann"), "evt", "x"),
        service.managed(who("ann"), "evt"),
    ):
        with pytest.raises(Refusal):
            await call
    assert await service.rehearsals.count_of("evt") == 0


async def test_a_child_that_stumbles_is_told_as_failed(room):
    await room.house.put("evt", capacity=30)
    broken = Workshop(
        "no.such.module", at_once_max=1, waiting_max=0, memory_bytes=1 << 30, cpu_s=50
    )
    service = await served(room, broken)
    made, _ = await service.start(OLGA, "evt", ASKED, None)
    await end_of(service, made.rehearsal_id)
    found = await service.find(OLGA, "evt", made.rehearsal_id)
    assert (found.status, found.report) == ("failed", None)
    assert await service.rehearsals.learnt("evt") is None


async def test_one_whose_process_died_is_told_as_failed(room, service):
    made, _ = await service.start(OLGA, "evt", ASKED, None)
    await asyncio.sleep(0)
    await service.close()
    await room.house.pool.fetch(
        "UPDATE rehearsal SET made_at = made_at - interval '1 hour'"
    )
    found = await service.find(OLGA, "evt", made.rehearsal_id)
    assert (found.status, found.report) == ("failed", None)


async def test_the_oldest_are_forgotten(service):
    for number in range(22):
        await service.rehearsals.begin(f"r{number:02}", "evt", "{}", "mia")
    rows, cursor = await service.rehearsals.list_of("evt", limit=50, cursor=None)
    assert [row.rehearsal_id for row in rows] == [f"r{n:02}" for n in range(21, 1, -1)]
    assert cursor is None
    assert await service.rehearsals.count_of("evt") == 20


def test_it_is_rehearsed_with_a_line_in_front_of_it():
    for line in (None, LineSettings(mode="list")):
        found = rehearsed(settings(line=line), 1_000)
        assert found.line is not None
        assert (found.line.mode, found.sale_state) == ("draw", "scheduled")
    own = rehearsed(settings(line=LineSettings(mode="fifo", turn_s=77)), 1_000)
    assert own.line is not None
    assert (own.line.mode, own.line.turn_s, own.line.beacon) == ("fifo", 77, None)
