"""Whether all is at rest, and whether all is right then.

Compared are the shop's tables, the journal's audit, and the gateway's own books, which
the shop cannot have written.
"""

import asyncio
from collections import Counter, defaultdict
from typing import Any

from persistence.journal.audit import audit_event
from server.shop.orders.rules import RESTS
from server.shop.payments.gateway.machine import Sitting
from tests.contract.client import Api
from tests.faults.orders.parts import Parts

LOOK_S = 0.1

_RESTLESS = """
SELECT o.order_id, o.step, o.why FROM orders o
WHERE o.step <> ALL ($1) OR o.driven_until < now() + interval '31 s'
    OR EXISTS (SELECT FROM order_line l
        WHERE l.order_id = o.order_id AND l.state = 'leaving')
    OR EXISTS (SELECT FROM refund r
        WHERE r.order_id = o.order_id AND r.state IN ('requested', 'sent'))
    OR EXISTS (SELECT FROM payment y
        WHERE y.order_id = o.order_id AND y.state IN ('created', 'open', 'processing'))
"""
_DUE = """
WITH asked AS (
    UPDATE payment SET created_at = now() - interval '61 s'
    WHERE state IN ('created', 'open', 'processing')
        AND created_at > now() - interval '1 min'
)
UPDATE orders SET driven_until = now()
WHERE driven_until BETWEEN now() AND now() + interval '2 min'
"""
_BEHIND = """
SELECT h.event_id FROM event_head h
WHERE h.version > 0 AND 2 > (
    SELECT count(*) FROM follower f
    WHERE f.event_id = h.event_id AND f.name IN ('tickets', 'notices')
        AND f.version >= h.version)
    AND EXISTS (SELECT FROM order_part p WHERE p.event_id = h.event_id)
"""
_ORDERS = """
SELECT o.order_id, o.step, o.status, o.total, o.due, o.accepted_payment, o.provider,
    p.event_id, p.booking_id,
    (SELECT count(*) FROM order_line l
        WHERE l.order_id = o.order_id AND l.kind <> 'fee') AS units,
    (SELECT count(*) FROM ticket t
        WHERE t.order_id = o.order_id AND t.state = 'valid') AS valid,
    (SELECT count(*) FROM ticket t
        WHERE t.order_id = o.order_id AND t.state <> 'revoked') AS kept,
    (SELECT count(*) FROM mail m JOIN notice n USING (notice_id)
        WHERE n.kind = 'order_confirmed' AND n.subject = o.order_id) AS letters,
    (SELECT count(*) FROM booking b
        WHERE b.order_id = o.order_id AND b.cancelled_at IS NULL) AS bookings,
    (SELECT count(*) FROM booking b WHERE b.order_id = o.order_id) AS ever_booked
FROM orders o JOIN order_part p USING (order_id)
"""


async def restless(parts: Parts) -> list[str]:
    """Return what is not at rest, webhooks that are still told among it."""
    found = [
        f"{row['order_id']} is {row['step']}"
        for row in await parts.rows(_RESTLESS, sorted(RESTS))
    ]
    found += [f"followers of {r['event_id']}" for r in await parts.rows(_BEHIND)]
    waiting = await asyncio.to_thread(parts.waiting_messages)
    if waiting:
        found.append(f"{waiting} webhooks are under way")
    return found


async def come_to_rest(parts: Parts, looks: int, *, hurry: bool = False) -> None:
    """Look until all is at rest, so often at most.

    In a `hurry` nobody waits until a driver that died has had its time, an attempt was
    asked about long enough ago, or a webhook is told again: that is due at each look.
    """
    left: list[str] = []
    for _ in range(looks):
        left = await restless(parts)
        if not left:
            return
        if hurry:
            await parts.rows(_DUE)
            await asyncio.to_thread(parts.hasten_messages)
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"{len(left)} do not come to rest: {left[:10]}")


async def violations(parts: Parts, api: Api, events: list[str]) -> list[str]:
    """Return all that is wrong, at rest."""
    orders = await parts.rows(_ORDERS)
    wrong = [fault for row in orders for fault in _of_order(row)]
    wrong += await _of_gateway(parts, {row["order_id"]: row for row in orders})
    wrong += await _of_rows(parts)
    for event in events:
        wrong += await _of_event(parts, api, event)
    return wrong


async def _of_event(parts: Parts, api: Api, event: str) -> list[str]:
    """Return what the event's money, audit and seats do not agree about."""
    wrong: list[str] = []
    money = await api.good("GET", f"/v1/events/{event}/money", who=api.admin)
    if not money["ok"]:
        wrong.append(f"the money of {event}: {money['differences'][:3]}")
    # As the server does it, but without a process for each.
    audit = await audit_event(parts.database_url, event)
    if not audit.ok:
        wrong.append(f"the audit of {event}: {audit}")
    return wrong + await _of_seats(parts, api, event)


def _of_order(row: Any) -> list[str]:
    """Return what is wrong with one order's booking, tickets and letters."""
    name, booked = f"{row['order_id']} ({row['step']})", row["status"] == "confirmed"
    wrong = []
    if row["bookings"] != int(booked) or row["ever_booked"] > 1:
        wrong.append(f"{name} has {row['bookings']} of {row['ever_booked']} bookings")
    tickets = row["units"] if booked else 0
    if (row["valid"], row["kept"]) != (tickets, tickets):
        wrong.append(f"{name} has {row['valid']}, {row['kept']} tickets of {tickets}")
    # Who gave it back before the letter was written gets none.
    letters = {1} if booked else {0, 1} if row["ever_booked"] else {0}
    if row["letters"] not in letters:
        wrong.append(f"{name} has {row['letters']} letters")
    if booked and row["total"] and row["provider"] and row["accepted_payment"] is None:
        wrong.append(f"{name} was not paid")
    return wrong


async def _of_gateway(parts: Parts, orders: dict[str, Any]) -> list[str]:
    """Hold what the gateway took and gave back against the orders."""
    sessions, refunds = await asyncio.to_thread(parts.books)
    back: Counter[str] = Counter()
    failed: set[str] = set()
    for refund in refunds:
        if refund.state == "settled":
            back[refund.ask.session] += refund.ask.amount
        elif refund.state == "failed":
            failed.add(refund.ask.session)
    payments = {
        row["provider_ref"]: row
        for row in await parts.rows(
            "SELECT provider_ref, payment_id, order_id, use FROM payment"
            " WHERE provider_ref IS NOT NULL"
        )
    }
    wrong: list[str] = []
    for one in sessions:
        if one.state != "captured":
            continue
        payment = payments.get(one.ref)
        if payment is None:
            wrong.append(f"{one.ref} of {one.ask.order} was captured: nobody knows it")
            continue
        order = orders[payment["order_id"]]
        keeps = (
            order["status"] == "confirmed"
            and order["accepted_payment"] == payment["payment_id"]
        )
        wrong += _of_session(one, back[one.ref], order, keeps, one.ref in failed)
    return wrong


def _of_session(
    one: Sitting, back: int, order: Any, keeps: bool, failed: bool
) -> list[str]:
    """Return what is wrong with what one session took: kept is what was bought."""
    kept = one.captured - back
    if keeps and kept == order["total"]:
        return []
    if not keeps and kept == 0:
        return []
    if failed and order["due"] > 0:
        # The gateway does not give it back: it is owed, and somebody was told.
        return []
    name = f"{order['order_id']} ({order['step']}, {order['total']})"
    return [f"{one.ref} of {name} took {one.captured} and gave back {back}"]


async def _of_rows(parts: Parts) -> list[str]:
    """Return what was done more than once."""
    counted = await parts.rows(
        "SELECT order_id, posting, count(*), sum(amount) FROM money_entry"
        " GROUP BY 1, 2 HAVING sum(amount) <> 0"
        " OR count(*) > count(DISTINCT account)"
    )
    wrong = [f"a posting that is not even: {tuple(row)}" for row in counted]
    captures = await parts.rows(
        "SELECT y.payment_id, count(m.*) FROM payment y LEFT JOIN money_entry m"
        " ON m.order_id = y.order_id AND m.posting = 'capture:' || y.payment_id"
        " AND m.account = 'provider' WHERE y.state = 'captured'"
        " GROUP BY 1 HAVING count(m.*) <> 1"
    )
    wrong += [f"captured other than once: {tuple(row)}" for row in captures]
    strange = await parts.rows(
        "SELECT event_ref FROM provider_event WHERE applied_at IS NULL"
    )
    return wrong + [f"{row['event_ref']} was never applied" for row in strange]


async def _of_seats(parts: Parts, api: Api, event: str) -> list[str]:
    """Return seats that are neither free nor of a confirmed order."""
    letters = await api.letters(event)
    counted: dict[str, int] = defaultdict(int)
    for letter in letters.values():
        counted[letter] += 1
    (row,) = await parts.rows(
        "SELECT count(*) FROM order_line l JOIN orders o USING (order_id)"
        " JOIN order_part p USING (order_id)"
        " WHERE p.event_id = $1 AND o.status = 'confirmed' AND l.kind = 'seat'",
        event,
    )
    if counted["b"] != row[0] or counted["h"]:
        return [f"{event}: {dict(counted)}, and {row[0]} seats of orders"]
    return []
