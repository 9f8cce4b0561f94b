"""What must be true of notices, mails and webhooks: R2 and R3.

What people and machines were told is held against what happened: orders, what went
back, what the bank says of refunds, and tickets; each of it once, and nothing else.
"""

from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from persistence.errors import Unavailable
from persistence.people.notices.notices import NOTICE_KINDS
from persistence.shop.orders.records import OrderState
from tests.simulation.orders.checks import KEPT
from tests.simulation.orders.house import MANAGER
from tests.simulation.outboxes.notices import state_of
from tests.simulation.outboxes.receivers import ALL

if TYPE_CHECKING:
    from tests.simulation.orders.shop import Shop
    from tests.simulation.world import World

REPLAY_S: Final = 1.0
"""How often an administrator looks for dead letters, once all is well again."""

Told = Counter[tuple[str, str]]
"""How often something is told: by kind, and what it is about."""


def waiting(world: "World") -> list[str]:
    """Return what has not left us yet, though everybody says yes by now."""
    store = world.tables.store
    mails = [name for name, x in store.mail.items() if state_of(store, x) != "sent"]
    hooks = [
        name
        for name, one in store.hook_delivery.items()
        if one["state"] != "sent" and store.hook[one["hook_id"]]["off"] is None
    ]
    rounds = [name for name, one in store.notice_round.items() if not one["done"]]
    untold = [name for name, one in store.notice.items() if not one["told"]]
    offered = [x.ticket for x in world.tickets.tickets.values() if x.state == "offered"]
    return [f"{one} waits" for one in (*mails, *hooks, *rounds, *untold, *offered)]


def look_after(world: "World") -> None:
    """Let dead letters go again, until the end: as an administrator does."""
    store = world.tables.store
    for one in store.hook.values():
        # The organiser has mended it.
        store.hook[one["hook_id"]] = {**one, "off": None}
    dead = [name for name, x in store.mail.items() if state_of(store, x) == "dead"]
    dead += [n for n, one in store.hook_delivery.items() if one["state"] == "dead"]
    serving = [one for one in world.slots if one.serves]
    if dead and serving:
        world.receivers.replayed.update(dead)
        serving[0].do(partial(_replay, serving[0].shop, dead))
    world.scheduler.call_later(REPLAY_S, look_after, world)


async def _replay(shop: "Shop", dead: list[str]) -> None:
    """Do it; what fails is tried again."""
    with suppress(Unavailable):
        await shop.outboxes.replay(dead)


def check_told(world: "World") -> None:
    """Note who was told too little, too much, or twice."""
    if not world.plan.outboxes:
        return
    told = [*waiting(world), *_notices(world), *_mails(world), *_hooks(world)]
    told += _passed(world)
    for sentence in told[:6]:
        world.violate(f"Told: {sentence}")


def _notices(world: "World") -> list[str]:
    """R3: each is told of what concerns them, once, and of nothing else."""
    store = world.tables.store
    had = Counter(
        (one["kind"], one["subject"], one["user_id"]) for one in store.notice.values()
    )
    must: Counter[tuple[str, str, str]] = Counter()
    may: Counter[tuple[str, str, str]] = Counter()
    for row in world.tables.rows.values():
        state, user = row.stored.state, row.stored.user
        must.update((kind, subject, user) for kind, subject in _of_order(state))
        may.update((kind, subject, user) for kind, subject in _perhaps(state))
        disputes = [one for payment in state.payments for one in payment.disputes]
        for one in disputes:
            # Who runs the event hears of it, and of its end, in whatever order.
            must["payment_disputed", f"{one.dispute}:{one.state}", MANAGER.user] += 1
            may["payment_disputed", f"{one.dispute}:open", MANAGER.user] += 1
    _of_events(world, must, may)
    wrong = [f"{one} was not told" for one in must if not had[one]]
    wrong += [f"{one} was told {n} times" for one, n in had.items() if n > 1]
    known = {*must, *may}
    kinds = {"order_confirmed", "order_cancelled", "refund_sent", "refund_failed"}
    wrong += [
        f"{one} did not happen"
        for one in had
        if one not in known
        if one[0] == "payment_disputed" or (one[0] in kinds and one[1] in _named(world))
    ]
    assert kinds <= set(NOTICE_KINDS)
    return wrong


def _named(world: "World") -> set[str]:
    """Return what orders, their parts and refunds are called."""
    return {
        subject
        for row in world.tables.rows.values()
        for _, subject in (*_of_order(row.stored.state), *_perhaps(row.stored.state))
    }


def _of_order(state: OrderState) -> list[tuple[str, str]]:
    """Return what the buyer of an order must hear of it."""
    told = []
    if state.step in KEPT:
        told.append(("order_confirmed", state.order))
    parts = {
        one.back
        for one in state.lines
        if one.state != "live" and (one.back or not one.kept)
    }
    if state.booking is not None and state.step in {*KEPT, "given_back"}:
        told += [
            ("order_cancelled", f"{state.order}:{back}" if back else state.order)
            for back in sorted(parts)
        ]
    for refund in state.refunds:
        if refund.reason == "dispute":
            continue  # Of what its bank took, the buyer hears of the bank.
        if refund.state == "settled":
            told.append(("refund_sent", refund.refund))
        elif refund.state in ("failed", "by_hand"):
            told.append(("refund_failed", refund.refund))
    return told


def _perhaps(state: OrderState) -> list[tuple[str, str]]:
    """Return what the buyer may have heard before it came otherwise."""
    told = [
        ("refund_sent", one.refund)
        for one in state.refunds
        if one.was_settled and one.reason != "dispute"
    ]
    if state.booking is not None:
        told.append(("order_confirmed", state.order))
        told.append(("order_cancelled", state.order))
        told += [("order_cancelled", f"{state.order}:{x.back}") for x in state.lines]
    return told


def _of_events(
    world: "World",
    must: Counter[tuple[str, str, str]],
    may: Counter[tuple[str, str, str]],
) -> None:
    """Who has a booking of a cancelled event hears of that."""
    for event in world.events:
        head = world.database.head(event)
        if head.settings is None or head.settings.sale_state != "cancelled":
            continue
        for row in head.bookings.values():
            told = must if row.booking not in head.cancelled else may
            told["event_cancelled", event, row.user] += 1


def _passed(world: "World") -> list[str]:
    """Both sides hear of a ticket that was passed on, and machines do; so does T2."""
    store = world.tables.store
    had = {(one["subject"], one["user_id"]) for one in store.notice.values()}
    hooks = {x["subject"] for x in store.hook_delivery.values() if x["hook_id"] == ALL}
    wrong = []
    last: dict[str, str] = {}
    for one in world.passing.passed:
        subject = f"{one.ticket}:{one.generation}"
        sides = {(subject, one.giver), (subject, one.taker)}
        if subject not in hooks or not sides <= had:
            wrong.append(f"{one} was not told")
        last[one.ticket] = one.taker
    accepted = Counter(
        one["ticket_id"]
        for one in store.ticket_transfer.values()
        if one["state"] == "accepted" and one["to_user"] != one["from_user"]
    )
    if accepted != Counter(one.ticket for one in world.passing.passed):
        wrong.append(f"{accepted} were accepted, {world.passing.passed} passed on")
    for ticket, holder in last.items():
        if world.tickets.tickets[ticket].holder != holder:
            wrong.append(f"{ticket} is not of {holder}")
    return wrong


def _mails(world: "World") -> list[str]:
    """R3: what is noted as sent arrived, at the address that was given."""
    got = Counter(one.name for one in world.receivers.mails)
    return [
        f"{name} did not arrive"
        for name, one in world.tables.store.mail.items()
        if one["sent_at"] is not None and not got[name]
    ]


def _hooks(world: "World") -> list[str]:
    """R2: a hook that hears of all heard of each order, refund and ticket once."""
    store, got = world.tables.store, world.receivers.hooks[ALL]
    arrived = Counter(one.name for one in got)
    mine = [one for one in store.hook_delivery.values() if one["hook_id"] == ALL]
    wrong = [
        f"{one['delivery_id']} did not arrive"
        for one in mine
        if one["state"] == "sent" and not arrived[one["delivery_id"]]
    ]
    had: Told = Counter((one["type"], one["subject"]) for one in mine)
    must: Told = Counter()
    for row in world.tables.rows.values():
        state = row.stored.state
        if state.step in KEPT or state.step in ("given_back", "event_cancelled"):
            must["order.confirmed", state.order] += state.booking is not None
        if state.status in ("cancelled", "refunded"):
            must["order.cancelled", state.order] += 1
        for refund in state.refunds:
            must["order.refunded", refund.refund] += refund.state == "settled"
    for one in world.tickets.tickets.values():
        must["ticket.issued", one.ticket] += 1
        must["ticket.revoked", one.ticket] += one.state == "revoked"
    wrong += [f"{one} was not told" for one, n in must.items() if n and not had[one]]
    numbers = {one["delivery_id"]: one["number"] for one in mine}
    of = {(one["type"], one["subject"]): one["number"] for one in mine}
    wrong += [
        f"{ticket} was told to be revoked before it was told to be there"
        for (type_, ticket), number in of.items()
        if type_ == "ticket.revoked" and number < of.get(("ticket.issued", ticket), 0)
    ]
    first = [numbers[name] for name in dict.fromkeys(one.name for one in got)]
    if _in_order(world) and first != sorted(first):
        wrong.append(f"messages came first as {first[:20]}")
    return wrong


def _in_order(world: "World") -> bool:
    """Return whether nothing let one message overtake another: no answer, no age."""
    receivers = world.receivers
    overtaken = {"hook no", "hook later", "hook lost", "hook silent", "hook slow"}
    return not receivers.replayed and receivers.answers.keys().isdisjoint(overtaken)
