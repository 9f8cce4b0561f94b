"""What a change of a sale is called where it is told, and what of a ticket: pure."""

from typing import Any, Final

from inventory.settings import SaleState
from persistence.people.hooks.raising import HookType
from persistence.shop.hooks import ToldTicket

PUBLISHED: Final = frozenset({"scheduled", "on_sale"})
"""States in which buyers see an event that was a draft before."""


def told_of(before: str, to: SaleState) -> list[HookType]:
    """Return what an organiser is told where a sale goes from one state to another.

    To go on after a pause is no opening; what was never published is not withdrawn.
    """
    if before == to:
        return []
    told: list[HookType] = []
    if before == "draft" and to in PUBLISHED:
        told.append("event.published")
    if to == "on_sale":
        told.append("sale.resumed" if before == "paused" else "sale.opened")
    elif to == "paused":
        told.append("sale.paused")
    elif to == "closed":
        told.append("sale.closed")
    elif to == "completed":
        told.append("event.completed")
    elif to == "cancelled":
        told.append("event.cancelled")
    return told


def data_of(event: str, ticket: ToldTicket) -> dict[str, Any]:
    """Return what is told of a ticket."""
    return {
        "event": event,
        "ticket": ticket.ticket,
        "booking": ticket.booking,
        "order": ticket.order,
        "label": ticket.label,
    }
