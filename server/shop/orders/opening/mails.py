"""The mail to who wants to open an order, and where links to orders lead.

Nothing that somebody typed in stands in it. A secret stands behind a `#`, so that no
browser sends it to a server.
"""

from typing import Final

from persistence.mail import Mail
from persistence.shop.orders.openings import CODE_S, Addressee
from server.transport.mail.codes import new_mail_id

WITH_LINK: Final = """\
Somebody, we hope you, wants to open the order {reference}.

If it was you, open

    {link}

It is good once, within an hour. If it was not you, do nothing.
"""
WITH_CODE: Final = """\
Somebody, we hope you, wants to open the order {reference}.

If it was you, this opens the order {order}:

    {code}

It is good once, within an hour. If it was not you, do nothing.
"""


def link_of(public_url: str, order: str, secret: str) -> str:
    """Return where an order is opened with a secret."""
    return f"{public_url.rstrip('/')}/orders/{order}#{secret}"


def opening_mail(to: Addressee, code: str, public_url: str | None) -> Mail:
    """Return the mail with a code that opens an order."""
    if public_url is None:
        body = WITH_CODE.format(reference=to.reference, order=to.order, code=code)
    else:
        link = link_of(public_url, to.order, code)
        body = WITH_LINK.format(reference=to.reference, link=link)
    subject = f"Your order {to.reference}"
    return Mail(new_mail_id(), to.user, to.email, subject, body, CODE_S)
