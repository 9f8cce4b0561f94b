"""The mail to whoever is asked: what was written, as words and no links."""

from typing import Any, Final

from persistence.community.support import Recipient, SupportTicket
from persistence.mail import Mail

LASTS_S: Final = 3 * 86_400


def support_mail(ticket: SupportTicket, recipient: Recipient) -> Mail:
    """Return the mail about a ticket: one for each who is told, named for both."""
    data: dict[str, Any] = {
        "ticket": ticket.ticket_id,
        "about": ticket.subject,
        "lines": ticket.text.splitlines(),
        "address": ticket.email,
    }
    return Mail(
        f"mail_{ticket.ticket_id}_{recipient.user_id}",
        recipient.user_id,
        recipient.email,
        "support_raised",
        data,
        LASTS_S,
        event_id=ticket.event_id,
    )
