"""First prove the race, then prove that it cannot happen.

Each sabotaged twin does what a plausible shortcut would, and the harness must see it
oversell or lose; the real actor goes through the same rush and must not.
"""

import itertools
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from inventory import limits
from inventory.actor import EventActor
from inventory.loading import load
from inventory.ports import Batch, CommitStatus, Ownership
from persistence.journal.journal import PostgresJournal
from persistence.processes import Processes
from tests.fakes import Fault
from tests.persistence.journals import Store, open_store
from tests.race.rush import (
    VENUE,
    HastyActor,
    SingleStaleActor,
    StaleActor,
    TrustingActor,
    judge,
    rush,
    take_without_looking,
)
from tests.scenario import EVENT, settings_of
from tests.stage import Stage

pytestmark = pytest.mark.race

SETTINGS = settings_of(max_per_user=1_000)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(limits, "RELOAD_PAUSE_S", 0.001)
    monkeypatch.setattr(limits, "RELOAD_PAUSE_S_MAX", 0.002)


def new_stage() -> Stage:
    return Stage(VENUE, SETTINGS)


def second_of(stage: Stage) -> Stage:
    """Another process that owns the same event, or believes so."""
    other = Stage(VENUE, SETTINGS, stage.journal)
    other.clock = stage.clock
    other.ids.prefix = "o-"
    return other


def trouble(seed: int) -> list[Fault]:
    dice = random.Random(seed)
    kinds = [kind for kind in Fault if kind is not Fault.FENCED]
    return [
        dice.choice(kinds) if dice.random() < 0.3 else Fault.NONE for _ in range(200)
    ]


# In memory.


async def test_deciding_on_a_stale_state_oversells(monkeypatch):
    take_without_looking(monkeypatch)
    stage = new_stage()
    stage.journal.checks_sold = False
    actor = stage.open(StaleActor)
    verdict = await judge(stage.journal, await rush(actor))
    assert verdict.sold_twice > 0
    assert verdict.places_too_many > 0
    await actor.stop(1)


async def test_the_second_lock_holds_where_the_first_was_picked(monkeypatch):
    take_without_looking(monkeypatch)
    stage = new_stage()
    actor = stage.open(SingleStaleActor)
    acknowledged = await rush(actor, rounds=2)
    assert (await judge(stage.journal, acknowledged)).good
    assert stage.notes.doubts, "the tables refused something"
    await actor.stop(1)


async def test_without_the_heads_check_two_owners_oversell():
    stage = new_stage()
    stage.journal.checks_head = stage.journal.checks_sold = False
    verdict = await two_owners(stage)
    assert verdict.sold_twice > 0


async def test_two_owners_of_whom_one_is_a_zombie_sell_each_seat_once():
    verdict = await two_owners(new_stage())
    assert verdict.acknowledged > 0
    assert verdict.good


async def two_owners(stage: Stage) -> Any:
    first = stage.open()
    await stage.ready()
    # The lease ends while the first is stalled; it wakes up and goes on.
    stage.clock.advance(limits.LEASE_MS / 1_000 + 1)
    other = second_of(stage)
    second = other.open()
    await other.ready()
    acknowledged = await rush(first, second)
    for actor in (first, second):
        await actor.stop(1)
    return await judge(stage.journal, acknowledged)


@pytest.mark.parametrize("kind", [HastyActor, TrustingActor])
async def test_shortcuts_around_the_commit_lose_bookings(kind):
    stage = new_stage()
    stage.journal.faults.extend(trouble(7))
    actor = stage.open(kind)
    verdict = await judge(stage.journal, await rush(actor))
    assert verdict.lost > 0
    await actor.stop(1)


@pytest.mark.parametrize("seed", range(6))
async def test_through_all_faults_nothing_is_sold_twice_and_nothing_is_lost(seed):
    stage = new_stage()
    stage.journal.faults.extend(trouble(seed))
    actor = stage.open()
    acknowledged = await rush(actor, rounds=6, seed=seed * 1_000)
    verdict = await judge(stage.journal, acknowledged)
    assert verdict.good
    assert verdict.acknowledged > 5
    await actor.stop(1)
    stock = await stage.loaded()
    assert {row.booking for row in stock.bookings.values()} == set(stage.head.bookings)
    sold = {seat: one.booking for one in stock.bookings.values() for seat in one.seats}
    assert sold == stage.head.sold
    # An unknown outcome may have been a booking that nobody could be told of; with the
    # keys of these clients there is none.
    assert len(stock.bookings) == verdict.acknowledged


# Over the real tables.


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url) as opened:
        await make_event(opened)
        yield opened


async def make_event(store: Store) -> None:
    await store.catalog.create_venue(
        "ven", "Hall", VENUE.map, created_by="usr", request_hash=b""
    )
    await store.catalog.create_event(
        EVENT, SETTINGS, venue="ven", created_by="usr", request_hash=b""
    )


def open_on(
    journal: PostgresJournal, kind: type[EventActor] = EventActor, prefix: str = ""
) -> EventActor:
    stage = Stage(VENUE, SETTINGS, journal)
    stage.ids.prefix = prefix
    return stage.open(kind)


async def sold_of(store: Store) -> list[tuple[Any, ...]]:
    return await store.query("SELECT seat, booking FROM sold ORDER BY seat")


@pytest.mark.postgres
async def test_the_tables_hold_where_the_core_was_careless(store, monkeypatch, caplog):
    take_without_looking(monkeypatch)
    actor = open_on(store.journal, SingleStaleActor)
    acknowledged = await rush(actor, rounds=1)
    verdict = await judge(store.journal, acknowledged)
    assert verdict.good
    assert "sold_pkey" in caplog.text, "the tables refused something"
    await actor.stop(2)


@pytest.mark.postgres
async def test_without_their_key_the_tables_let_a_careless_core_oversell(
    store, monkeypatch
):
    take_without_looking(monkeypatch)
    await store.query("ALTER TABLE sold DROP CONSTRAINT sold_pkey")
    await store.query("ALTER TABLE area_sold DROP CONSTRAINT area_sold_check")
    actor = open_on(store.journal, StaleActor)
    verdict = await judge(store.journal, await rush(actor, rounds=1))
    assert verdict.sold_twice > 0
    await actor.stop(2)


@pytest.mark.postgres
async def test_a_rush_over_the_real_journal_sells_each_seat_once(store):
    actor = open_on(store.journal)
    acknowledged = await rush(actor)
    verdict = await judge(store.journal, acknowledged)
    assert verdict.good
    assert verdict.acknowledged > 5
    sold = await sold_of(store)
    assert sorted(booking for _, booking in sold) == sorted(
        booked.booking for booked in acknowledged for _ in booked.seats
    )
    await actor.stop(2)


@pytest.mark.postgres
async def test_owners_that_take_the_event_from_each_other_sell_each_seat_once(
    store, database_url
):
    """Two processes, and somebody who voids their leases after every other commit."""
    async with open_store(database_url, "there") as other:
        processes = Processes(store.pool)
        robberies = 0

        def robbed(journal: PostgresJournal) -> PostgresJournal:
            commit = journal.commit
            commits = itertools.count(1)

            async def commit_then_rob(
                ownership: Ownership, batch: Batch
            ) -> CommitStatus:
                nonlocal robberies
                status = await commit(ownership, batch)
                if next(commits) % 2 == 0:
                    robberies += len(await processes.void(["here", "there"]))
                return status

            journal.commit = commit_then_rob  # type: ignore[method-assign]
            return journal

        actors = [
            open_on(robbed(store.journal)),
            open_on(robbed(other.journal), prefix="o-"),
        ]
        acknowledged = await rush(*actors, rounds=3)
        assert robberies > 0
        for actor in actors:
            await actor.stop(2)
        verdict = await judge(store.journal, acknowledged)
        assert verdict.good
        assert verdict.acknowledged > 3
        epochs = await store.query("SELECT epoch FROM journal ORDER BY to_version")
        assert epochs == sorted(epochs)
        assert len(set(epochs)) > 1, "both had it"
        ownership = await store.journal.acquire(EVENT)
        assert ownership is not None
        loaded = await load(store.journal, ownership, VENUE, SETTINGS)
        loaded.stock.check()
        in_memory = {
            (seat, one.booking)
            for one in loaded.stock.bookings.values()
            for seat in one.seats
        }
        assert in_memory == set(await sold_of(store))
