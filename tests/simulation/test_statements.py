"""The simulated tables beside Postgres: the same code that ships, and the same answers.

Random scripts with the numbers of a seed run on both, statement for statement. Waits
and leases are of a length that no test takes; time passes by moving all times back.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

import persistence.mail as mail
import persistence.people.hooks.deliveries as deliveries
import tests.simulation.passing.tables as passing
from inventory.settings import Money, Settings
from persistence.events.catalog import Catalog
from persistence.mail import Outbox
from persistence.people.hooks.deliveries import Deliveries, Outcome
from persistence.people.hooks.hooks import Hooks, NewHook
from persistence.people.hooks.raising import HOOK_TYPES, Raised, raise_hooks
from persistence.people.notices.notices import Notice, Notices, raise_notices
from persistence.postgres.pool import Pool
from persistence.shop.money.terms import Terms
from persistence.shop.orders.giving_back import AlreadyIn, lock_tickets
from persistence.shop.orders.orders import NewOrder, Orders
from persistence.shop.orders.records import Rules
from persistence.shop.orders.rows import OrderBuyer
from persistence.shop.promotions.promotions import PromotionRules, Promotions
from persistence.shop.promotions.redemptions import CodeRefused, Redeems, reserve_codes
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
from tests.persistence.persons import organised, registered
from tests.simulation.orders.house import HOUSE
from tests.simulation.outboxes.hooks import hook
from tests.simulation.outboxes.notices import state_of
from tests.simulation.promotions.tables import move_redemptions, promotion
from tests.simulation.statements import Connection, Rows, Store
from tests.simulation.tickets.tables import Changed, SimTicket

pytestmark = pytest.mark.postgres

SEEDS = range(3)
STEPS = 60
LONG_S = 600
PASSES_S = 1_000.0
"""Longer than any wait or lease here; all of them are longer than a test."""

MOVED = {
    "mail": ("due_at", "expires_at", "created_at"),
    "hook": ("taken_until", "rests_until"),
    "hook_delivery": ("due_at", "dies_at", "created_at"),
    "ticket_transfer": ("created_at", "expires_at"),
}
"""Times that are compared with the present."""

EVENT = Settings(
    name="Concert",
    starts_at_ms=4_000_000_000_000,
    prices={"GA": Money(2_000, "EUR")},
)


class Fake(Connection):
    """A connection to simulated tables without a world around them."""

    def __init__(self, pool: "FakePool") -> None:
        super().__init__(pool.store)
        self.tickets, self.tables = pool.tickets, pool.tables
        self.changed = Changed()


class FakePool:
    """Stands for `Pool`, and for the tables of tickets."""

    def __init__(self) -> None:
        self.store = Store()
        self.seconds = 0.0
        self.store.now_s = lambda: self.seconds
        self.entered: set[str] = set()
        self.tickets = SimpleNamespace(
            tickets={}, number=self.store.number, is_in=self.entered.__contains__
        )
        self.revoked: set[tuple[str, int]] = set()
        self.tables = SimpleNamespace(rows={})

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        connection = Fake(self)
        try:
            yield connection
        except BaseException:
            connection.undo()
            raise
        self.tickets.tickets |= connection.changed.tickets
        self.revoked |= connection.changed.revoked

    async def fetch(self, sql: str, *values: Any) -> Rows:
        async with self.transaction() as connection:
            rows: Rows = connection.run(sql, *values)
        return rows

    async def fetch_one(self, sql: str, *values: Any) -> Any:
        rows = await self.fetch(sql, *values)
        return rows[0] if rows else None


class Both:
    """Postgres, and what stands for it."""

    def __init__(self, real: Pool) -> None:
        self.real, self.fake = real, FakePool()

    async def same(self, work: Callable[..., Awaitable[Any]], *values: Any) -> Any:
        """Do the same on both, and claim that both say the same."""
        real, fake = await work(self.real, *values), await work(self.fake, *values)
        assert fake == real
        return real

    async def pass_time(self) -> None:
        """Let all that waits be due, and all leases be over."""
        self.fake.seconds += PASSES_S
        for table, columns in MOVED.items():
            moved = ", ".join(f"{x} = {x} - interval '{PASSES_S} s'" for x in columns)
            await self.real.fetch(f"UPDATE {table} SET {moved}")
        # Offers last for days, which no world does.
        sql = "UPDATE ticket_transfer SET expires_at = expires_at - interval '8 days'"
        await self.real.fetch(sql)


@pytest.fixture
async def both(database_url):
    pool = await Pool.open(database_url)
    yield Both(pool)
    await pool.close()


def without_times(one: Any) -> dict[str, Any]:
    """Return the fields of a struct that no clock has written."""
    named = ((name, getattr(one, name)) for name in one.__struct_fields__)
    return {name: value for name, value in named if not isinstance(value, datetime)}


def in_turn(several: list[Any], by: str) -> list[dict[str, Any]]:
    """Return structs without times, in the order of their names."""
    return sorted(map(without_times, several), key=lambda one: str(one[by]))


# Promotions.


def rules_of(number: int) -> dict[str, Any]:
    return {
        "ppm": 100_000,
        "uses_max": (None, 1, 3)[number],
        "per_user": (1, None, 2)[number],
    }


async def order_with(pool: Any, name: str, user: str, redeems: Redeems) -> bool | str:
    """Make an order that redeems codes; return whether it may, or why not."""
    new = NewOrder(
        order=name,
        event="evt",
        hold=name,
        user=user,
        organisation=None,
        reference=name.upper(),
        buyer=OrderBuyer(),
        rules=Rules(pays=True, pay_s=900, until_s=1_020),
        terms=Terms("EUR"),
        provider="gateway",
        seen_total=None,
        request_hash=b"",
        redeems=redeems,
    )
    try:
        if isinstance(pool, Pool):
            await Orders(pool).begin(new)
        else:
            async with pool.transaction() as connection:
                await reserve_codes(connection, name, "evt", user, redeems)
    except CodeRefused as error:
        return str(error)
    return True


async def becomes(pool: Any, order: str, status: str) -> None:
    if isinstance(pool, Pool):
        sql = "UPDATE orders SET status = $2 WHERE order_id = $1"
        await pool.fetch(sql, order, status)
    else:
        async with pool.transaction() as connection:
            move_redemptions(connection, order, status)


async def redeemed(pool: Any) -> list[tuple[str, str, str]]:
    if isinstance(pool, Pool):
        rows = await pool.fetch("SELECT order_id, promotion_id, state FROM redemption")
        found = [tuple(row.values()) for row in rows]
    else:
        table = pool.store.redemption.items()
        found = [(order, of, row["state"]) for (order, of), row in table]
    return sorted(found)


async def offered(both: Both) -> list[bytes]:
    """Make three promotions with codes, and return these."""
    store = Promotions(both.real)
    codes: list[bytes] = []
    await Catalog(both.real).create_event(
        "evt", EVENT, capacity=9, created_by="usr", request_hash=b""
    )
    for number in range(3):
        name, rules = f"prm_{number}", rules_of(number)
        made = PromotionRules(name=name, **rules)
        await store.create("evt", name, made, "usr", b"")
        both.fake.store.promotion[name] = promotion(name, "evt", **rules)
        for uses in (None, 1, 2):
            code = len(codes).to_bytes(32)
            codes.append(code)
            await store.add_codes("evt", name, uses, [code])
            row = {"promotion_id": name, "uses_max": uses, "taken": 0}
            both.fake.store.promotion_code["evt", code] = row
    return codes


@pytest.mark.parametrize("seed", SEEDS)
async def test_codes_are_had_used_and_given_back_alike(both, seed):
    dice, codes = Random(seed), await offered(both)
    orders: list[str] = []

    async def looked(pool: Any) -> list[tuple[Any, ...]]:
        found = await Promotions(pool).of_codes("evt", codes)
        return sorted(
            (one.hash, one.open, one.used_up, one.promotion.taken) for one in found
        )

    said = set()
    for number in range(STEPS):
        step = dice.random()
        if step < 0.6 or not orders:
            name, user = f"ord_{number}", f"usr_{dice.randrange(4)}"
            chosen = dice.sample([*codes, b"?" * 32], 2)
            if chosen[0][-1] // 3 == chosen[1][-1] // 3:
                # A service refuses two of one promotion before they come here.
                chosen.pop()
            who = dice.choice([None, b"a" * 32, b"b" * 32])
            redeems = Redeems(tuple(chosen), who)
            made = await both.same(order_with, name, user, redeems)
            said.add(made)
            orders += [name] if made is True else []
        elif step < 0.97:
            order = dice.choice(orders)
            status = dice.choice(["confirmed", "cancelled", "refunded", "completed"])
            await both.same(becomes, order, status)
        else:
            ended = "prm_2"
            await both.real.fetch(
                "UPDATE promotion SET active = false WHERE promotion_id = $1", ended
            )
            row = both.fake.store.promotion[ended]
            both.fake.store.promotion[ended] = {**row, "active": False}
        await both.same(looked)
        await both.same(redeemed)
    assert said >= {True, "used up"}


# Notices and mails.


async def tell(pool: Any, notices: list[Notice]) -> int:
    async with pool.transaction() as connection:
        return await raise_notices(connection, notices)


async def take(pool: Any) -> list[dict[str, Any]]:
    return in_turn(await Outbox(pool).take(), "mail_id")


async def do(pool: Any, what: str, name: str) -> dict[str, Any] | None:
    """Note what became of a mail, or let a dead one go again."""
    outbox = Outbox(pool)
    if what == "sent":
        await outbox.sent(name)
    elif what == "later":
        await outbox.later(name, 1, "not now")
    elif what == "failed":
        await outbox.failed(name, "never")
    else:
        row = await outbox.replay(name)
        return None if row is None else without_times(row)
    return None


async def untold(pool: Any) -> list[dict[str, Any]]:
    return in_turn(await Notices(pool).untold(), "notice_id")


@pytest.mark.parametrize("seed", SEEDS)
async def test_mails_are_raised_taken_and_end_alike(both, seed, monkeypatch):
    for name in ("TAKEN_S", "BACKOFF_S_MIN", "BACKOFF_S_MAX"):
        monkeypatch.setattr(mail, name, LONG_S)
    dice = Random(seed)
    names: list[str] = []
    replayed = set()
    for _ in range(STEPS):
        step = dice.random()
        if step < 0.3 or not names:
            some = [
                Notice(
                    kind="refund_sent",
                    subject=f"rfd_{dice.randrange(8)}",
                    user_id=dice.choice(["usr_1", "usr_2"]),
                    email=dice.choice(["a@example.org", None]),
                    data={"reference": "R", "amount": 1, "currency": "EUR"},
                    mail={"secret": "s"},
                    files=("calendar:evt",),
                )
                for _ in range(dice.randint(1, 3))
            ]
            await both.same(tell, some)
            names = sorted(both.fake.store.mail)
        elif step < 0.5:
            await both.same(take)
        elif step < 0.6:
            await both.pass_time()
        elif step < 0.65:
            await both.same(untold)
        else:
            what = dice.choice(["sent", "later", "failed", "replay", "replay"])
            said = await both.same(do, what, dice.choice(names))
            replayed.add(None if said is None else said["state"])
    store = both.fake.store
    mine = {name: state_of(store, one) for name, one in store.mail.items()}
    rows = await Outbox(both.real).list_rows(None, limit=200, cursor=None)
    assert {one.row: one.state for one in rows[0]} == mine
    assert {"due", "sent"} <= replayed


# Webhooks.


async def raise_some(pool: Any, raised: list[Raised]) -> int:
    async with pool.transaction() as connection:
        return await raise_hooks(connection, HOUSE, raised)


class Senders:
    """What is taken of hooks: deliveries are named for what they tell."""

    def __init__(self, both: Both) -> None:
        self.both = both
        self.taken: dict[bool, list[Any]] = {True: [], False: []}

    async def names(self, pool: Any) -> dict[str, str]:
        """Return what deliveries are called, by hook and what they tell."""
        if isinstance(pool, Pool):
            rows = await pool.fetch(
                "SELECT delivery_id, hook_id, type, subject FROM hook_delivery"
            )
        else:
            rows = list(pool.store.hook_delivery.values())
        return {
            f"{row['hook_id']} {row['type']} {row['subject']}": row["delivery_id"]
            for row in rows
        }

    async def take(self, pool: Any) -> list[tuple[Any, ...]]:
        told = {name: key for key, name in (await self.names(pool)).items()}
        taken = await Deliveries(pool).take()
        self.taken[isinstance(pool, Pool)] = taken
        return sorted(
            (one.hook_id, one.failures, [told[x.delivery_id] for x in one.messages])
            for one in taken
        )

    async def note(self, pool: Any, name: str, outcome: Outcome) -> None:
        delivery = (await self.names(pool))[name]
        await Deliveries(pool).note(name.partition(" ")[0], delivery, outcome)

    async def give_back(self, pool: Any, number: int) -> None:
        for one in self.taken[isinstance(pool, Pool)][number : number + 1]:
            await Deliveries(pool).give_back(one)

    async def replay(self, pool: Any, name: str) -> tuple[str, int] | None:
        found = await Deliveries(pool).replay(HOUSE, (await self.names(pool))[name])
        return None if found is None else (found.state, found.attempts)

    async def state(self, pool: Any) -> list[tuple[Any, ...]]:
        """Return how all hooks and deliveries are, without times."""
        if isinstance(pool, Pool):
            hooks = await pool.fetch("SELECT hook_id, off, failures FROM hook")
            rows = await pool.fetch("SELECT * FROM hook_delivery")
        else:
            hooks = list(pool.store.hook.values())
            rows = list(pool.store.hook_delivery.values())
        kept = ("hook_id", "type", "subject", "state", "attempts", "status", "error")
        return sorted(
            [
                *((one["hook_id"], one["off"] or "", one["failures"]) for one in hooks),
                *(tuple(str(one[key]) for key in kept) for one in rows),
            ],
            key=str,
        )


OUTCOMES = (
    Outcome("sent", 200, None, 5),
    Outcome("sent", 204, None, 5),
    Outcome("due", 500, "it answered 500", 5, LONG_S),
    Outcome("due", None, "no answer", 5, LONG_S, LONG_S),
    Outcome("dead", 400, "it answered 400", 5),
    Outcome("dead", 410, "it answered 410", 5, gone=True),
)


@pytest.mark.parametrize("seed", SEEDS)
async def test_hooks_are_told_taken_and_end_alike(both, seed, monkeypatch):
    monkeypatch.setattr(deliveries, "LEASE_S", LONG_S)
    monkeypatch.setattr(deliveries, "MESSAGES_MAX", 3)
    await registered(both.real, "olga")
    await organised(both.real, HOUSE, olga="owner")
    for name, types in (("all", ()), ("some", ("order.confirmed",)), ("two", ())):
        new = NewHook(
            name, HOUSE, "https://a", "", [*types], "standard", b"s", "usr", b""
        )
        await Hooks(both.real, 9).create(new)
        both.fake.store.hook[name] = hook(name, types)
    dice, senders = Random(seed), Senders(both)
    kinds = HOOK_TYPES[:3]
    for _ in range(STEPS):
        step, names = dice.random(), sorted(await senders.names(both.fake))
        if step < 0.25 or not names:
            raised = [
                Raised(dice.choice(kinds), {"n": 1}, f"s{dice.randrange(9)}")
                for _ in range(dice.randint(1, 3))
            ]
            await both.same(raise_some, raised)
        elif step < 0.45:
            await both.same(senders.take)
        elif step < 0.55:
            await both.pass_time()
        elif step < 0.65:
            await both.same(senders.give_back, dice.randrange(3))
        elif step < 0.75:
            await both.same(senders.replay, dice.choice(names))
        else:
            # Only one in many says that it is gone.
            some = OUTCOMES if dice.random() < 0.2 else OUTCOMES[:-1]
            await both.same(senders.note, dice.choice(names), dice.choice(some))
        await both.same(senders.state)


# Tickets on their way to somebody else, or back.

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
