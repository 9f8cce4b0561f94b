"""The mail to who is to have a ticket. Nothing that somebody typed in stands in it."""

from typing import Final

from persistence.mail import Mail
from persistence.shop.tickets.tickets import Ticket
from persistence.shop.tickets.transfers import LASTS_D
from server.transport.mail.codes import new_mail_id

BODY: Final = """\
Somebody passes a ticket on to you: number {number}, for {label}.

This code takes the ticket {ticket}, once, within {days} days:

    {code}

If you know nothing of it, do nothing: then it stays with who has it.
"""


def transfer_mail(ticket: Ticket, email: str, code: str) -> Mail:
    """Return the mail with the code that takes a ticket."""
    body = BODY.format(
        number=ticket.number,
        label=ticket.label,
        ticket=ticket.ticket,
        days=LASTS_D,
        code=code,
    )
    subject = f"Ticket {ticket.number} is passed on to you"
    lasts_s = LASTS_D * 86_400
    return Mail(new_mail_id(), ticket.holder, email, subject, body, lasts_s)
