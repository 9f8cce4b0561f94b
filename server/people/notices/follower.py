"""Raises a notice for each booking, and rounds of them for what became of an event.

All in the transaction that notes that it was read.

The follower of the name `notices`. It comes after that of tickets, which the mail tells
of and carries.
"""

from collections.abc import Sequence
from typing import Any, Final

from inventory.changes import EventConfigured, HoldBooked, SaleChanged
from persistence.events.rows import EventRow
from persistence.followers.follower import Followed
from persistence.people.notices.notices import Notice, raise_notices
from persistence.people.notices.rounds import Round, move_time, note_time, put_round
from persistence.shop.confirmations import (
    BoughtLine,
    BoughtTicket,
    Confirmed,
    read_confirmed,
    read_event,
)
from persistence.shop.orders.openings import put_links
from server.transport.mail.codes import hash_of_code, new_code

KINDS: Final = (HoldBooked, EventConfigured, SaleChanged)
"""What it follows."""

TICKET_FILES_MAX: Final = 10
"""So many tickets go along with a mail as PDF; all are behind its link."""


class NoticeFollower:
    """Follows bookings, and what holders are to know of an event.

    Raises what Postgres raises: then nothing of it happened.
    """

    name: Final = "notices"

    def __init__(self, public_url: str | None) -> None:
        self._public_url = public_url

    async def follow(
        self, connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> None:
        """Tell whoever booked, and have all holders told of what changed."""
        booked = [
            (one.change.booking, one.change.order if one.change.by_order else None)
            for one in changes
            if isinstance(one.change, HoldBooked)
        ]
        if booked:
            await self._confirm(connection, event_id, booked)
        await _tell_of_event(connection, event_id, changes)

    async def _confirm(
        self, connection: Any, event_id: str, booked: list[tuple[str, str | None]]
    ) -> None:
        event = await read_event(connection, event_id)
        times = event.settings.starts_at_ms, event.settings.timezone
        await note_time(connection, event_id, *times)
        confirmed = await read_confirmed(connection, booked)
        secrets: dict[str, str] = {}
        if self._public_url is not None:
            secrets = {one.order: new_code() for one in confirmed if one.order}
        await raise_notices(
            connection,
            [
                confirmation(one, event, secrets.get(one.order or ""))
                for one in confirmed
            ],
        )
        links = {order: hash_of_code(one) for order, one in secrets.items()}
        await put_links(connection, links)


async def _tell_of_event(
    connection: Any, event_id: str, changes: Sequence[Followed]
) -> None:
    """Begin the rounds that a stretch of changes asks for.

    Of several times within it the last one counts: nobody was told of the others.
    """
    configured: tuple[int, EventConfigured] | None = None
    cancelled = False
    for one in changes:
        if isinstance(one.change, EventConfigured):
            configured = one.version, one.change
        elif isinstance(one.change, SaleChanged):
            cancelled = cancelled or one.change.to == "cancelled"
    if configured is not None:
        version, change = configured
        times = change.settings.starts_at_ms, change.settings.timezone
        was = await move_time(connection, event_id, *times)
        if was is not None and not cancelled:
            data = {"was_starts_at_ms": was[0], "was_timezone": was[1]}
            subject = f"{event_id}@{version}"
            moved = Round("event_changed", subject, event_id, data)
            await put_round(connection, moved)
    if cancelled:
        await put_round(connection, Round("event_cancelled", event_id, event_id))


def confirmation(bought: Confirmed, event: EventRow, secret: str | None) -> Notice:
    """Return what whoever bought something is told; the `secret` opens the order.

    Nothing that the buyer typed in is told: else anybody could have us send anything to
    anybody.
    """
    ids = {"booking": bought.booking, "reference": bought.reference}
    if bought.order is not None:
        ids["order"] = bought.order
    total = bought.total
    priced: dict[str, Any] = {}
    if total is not None:
        # A counter takes money also for what buyers pay at the door.
        is_paid = bought.is_paid
        if is_paid is None:
            is_paid = event.settings.payment == "required"
        at_door = total.amount > 0 and not is_paid
        priced = {"total": total.amount, "currency": total.currency, "at_door": at_door}
    return Notice(
        kind="order_confirmed",
        subject=bought.order or bought.booking,
        user_id=bought.user,
        email=bought.recipient,
        locale=bought.locale,
        event_id=event.event,
        data=ids,
        mail={
            "lines": [_line(one) for one in bought.lines],
            "tickets": [_ticket(one) for one in bought.tickets],
            "secret": secret or "",
            **priced,
        },
        files=(
            f"calendar:{event.event}",
            *(f"ticket:{one.ticket}" for one in bought.tickets[:TICKET_FILES_MAX]),
        ),
    )


def _line(one: BoughtLine) -> dict[str, Any]:
    return {
        "label": one.label,
        "category": one.category,
        "quantity": one.quantity,
        "amount": one.amount,
    }


def _ticket(one: BoughtTicket) -> dict[str, Any]:
    return {"ticket": one.ticket, "number": one.number, "label": one.label}
