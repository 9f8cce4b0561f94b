"""What stands for the SQL of tickets beside Postgres: passed on, locked, revoked."""

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

import tests.simulation.passing.tables as passing
from persistence.events.catalog import Catalog
from persistence.postgres.pool import Pool
from persistence.shop.orders.giving_back import AlreadyIn, lock_tickets
from persistence.shop.tickets.register import (
    NewTicket,
    issue,
    live_tickets,
    open_register,
    revoke,
)
from persistence.shop.tickets.transfers import (
    IsIn,
    NewTransfer,
    NotOffered,
    Transfers,
    accept,
    offer,
    withdraw,
)
from tests.simulation.both import EVENT, LONG_S, SEEDS, STEPS, Both, without_times

if TYPE_CHECKING:
    from tests.simulation.tickets.tables import SimTicket

pytestmark = pytest.mark.postgres


@pytest.fixture
async def both(database_url):
    pool = await Pool.open(database_url)
    yield Both(pool)
    await pool.close()


TICKETS = tuple(f"tkt_{n}" for n in range(5))
USERS = ("ann", "bea", "cat")
RARE = ("over", "over", "revoke")


async def put_tickets(pool: Any) -> None:
    """Issue tickets of a booking of two people's."""
    async with pool.transaction() as connection:
        revision = await open_register(connection, "evt")
        new = [
            NewTicket(
                ticket, None, None, "bkg", f"AAAAAAAAA{n + 2}", "ann", "seat", f"A-{n}",
                None, None,
            )
            for n, ticket in enumerate(TICKETS)
        ]  # fmt: skip
        await issue(connection, "evt", "key", revision, new)


async def ask(pool: Any, step: str, ticket: str, user: str, code: int) -> Any:
    """Do something with a ticket; return what it came to."""
    try:
        if step == "over":
            return await Transfers(pool).end_over()
        async with pool.transaction() as connection:
            if step == "offer":
                new = NewTransfer(
                    transfer=f"tra_{code:04}",
                    ticket=ticket,
                    event="evt",
                    from_user=user,
                    email="x@example.org",
                    code=code.to_bytes(32),
                    number="N",
                    secret=f"secret {code}",
                )
                return without_times(await offer(connection, new))
            if step == "withdraw":
                return await withdraw(connection, "evt", ticket, user)
            revision = await open_register(connection, "evt")
            if step == "accept":
                hashed = code.to_bytes(32)
                return await accept(connection, revision, ticket, hashed, user, "key")
            if step == "revoke":
                return await revoke(connection, revision, [ticket])
            return await lock_tickets(connection, "evt", "bkg")
    except (NotOffered, IsIn, AlreadyIn) as error:
        return type(error).__name__


async def tickets(pool: Any) -> list[tuple[Any, ...]]:
    """Return how all tickets are, whose, and which codes are good no more."""
    if isinstance(pool, Pool):
        rows = await pool.fetch(
            "SELECT ticket_id, state, generation, holder ->> 'user' FROM ticket"
        )
        gone = await pool.fetch("SELECT number, generation FROM ticket_revoked")
        return sorted(tuple(row.values()) for row in [*rows, *gone])
    mine: list[SimTicket] = list(pool.tickets.tickets.values())
    found = [(one.ticket, one.state, one.generation, one.holder) for one in mine]
    return sorted([*found, *pool.revoked])


async def live(pool: Any) -> list[tuple[str, str, str]]:
    async with pool.transaction() as connection:
        found = await live_tickets(connection, ["bkg", "none"])
    return sorted((one.ticket, one.label, one.state) for one in found)


async def latest(pool: Any, ticket: str) -> dict[str, Any] | None:
    found = await Transfers(pool).latest(ticket)
    return None if found is None else without_times(found)


async def come_in(both: Both, ticket: str) -> None:
    """Let somebody in with a ticket, on both."""
    both.fake.entered.add(ticket)
    await both.real.fetch(
        "INSERT INTO checkin_state (ticket_id, event_id, list_id, state, at, nonce,"
        " gate, who, sort_at) VALUES ($1, 'evt', 'l', 'in', now(), $1, 'g', 'w', now())"
        " ON CONFLICT DO NOTHING",
        ticket,
    )


@pytest.mark.parametrize("seed", SEEDS)
async def test_tickets_are_offered_taken_locked_and_revoked_alike(
    both, seed, monkeypatch
):
    monkeypatch.setattr(passing, "LASTS_S", LONG_S)
    await Catalog(both.real).create_event(
        "evt", EVENT, capacity=9, created_by="usr", request_hash=b""
    )
    await both.real.fetch(
        "INSERT INTO checkin_list (event_id, list_id, name) VALUES ('evt', 'l', 'l')"
    )
    await both.same(put_tickets)
    dice, said = Random(seed), set()
    steps = ["offer", "offer", "accept", "accept", "withdraw"]
    for number in range(2 * STEPS):
        chance, ticket = dice.random(), dice.choice(TICKETS)
        if chance < 0.02:
            await come_in(both, TICKETS[0])
        elif chance < 0.05:
            await both.pass_time()
        else:
            step = dice.choice(RARE if chance > 0.93 else steps)
            # What is locked stays so until it is revoked.
            step = "lock" if number == 2 * STEPS - 20 else step
            known = await latest(both.fake, ticket)
            code = number if known is None else int.from_bytes(known["code"])
            if step == "offer" or dice.random() < 0.1:
                code = number
            # Of the others nothing would be left.
            ticket = TICKETS[1] if step == "revoke" else ticket
            told = await both.same(ask, step, ticket, dice.choice(USERS), code)
            said.add((step, str(told)[:6]))
        await both.same(latest, ticket)
        await both.same(tickets)
        await both.same(live)
    assert {("accept", "True"), ("accept", "False")} <= said
