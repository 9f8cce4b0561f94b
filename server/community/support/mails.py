"""The mail to whoever is asked: what was written, as words and no links."""

from typing import Final

from persistence.community.support import Recipient, SupportTicket
from persistence.mail import Mail
from server.transport.mail.words import harmless

LASTS_S: Final = 3 * 86_400
SUBJECT_LENGTH_MAX: Final = 150


def support_mail(ticket: SupportTicket, recipient: Recipient) -> Mail:
    """Return the mail about a ticket: one for each who is told, named for both."""
    subject = f"Support: {harmless(ticket.subject)}"
    if len(subject) > SUBJECT_LENGTH_MAX:
        subject = f"{subject[: SUBJECT_LENGTH_MAX - 1]}…"
    lines = ["Somebody asks for support."]
    if ticket.event_id is not None:
        lines.append(f"It is about the event {ticket.event_id}.")
    if ticket.email is not None:
        lines.append(f"An answer reaches them at {ticket.email}")
    lines += ["", *(f"> {harmless(line)}" for line in ticket.text.splitlines())]
    return Mail(
        f"mail_{ticket.ticket_id}_{recipient.user_id}",
        recipient.user_id,
        recipient.email,
        subject,
        "\n".join([*lines, ""]),
        LASTS_S,
    )
