"""The mail to who wants to open an order."""

from persistence.mail import Mail
from persistence.shop.orders.openings import CODE_S, Addressee
from server.transport.mail.codes import new_mail_id


def opening_mail(to: Addressee, code: str) -> Mail:
    """Return the mail with a code that opens an order."""
    data = {"order": to.order, "reference": to.reference, "code": code}
    return Mail(
        new_mail_id(), to.user, to.email, "order_opening", data, CODE_S, to.locale
    )
