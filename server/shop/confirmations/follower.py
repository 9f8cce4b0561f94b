"""Writes a letter for each booking, in the transaction that notes that it was read.

The follower of the name `notices`. It comes after that of tickets, which the letter
tells of.
"""

from collections.abc import Sequence
from typing import Any, Final

from inventory.changes import HoldBooked
from persistence.followers.follower import Followed
from persistence.mail import put_letters
from persistence.shop.confirmations import read_confirmed, read_event
from persistence.shop.orders.openings import put_links
from server.shop.confirmations.mails import calendar_file, confirmation
from server.transport.mail.codes import hash_of_code, new_code

KINDS: Final = (HoldBooked,)
"""What it follows."""


class NoticeFollower:
    """Follows bookings. Raises what Postgres raises: then nothing of it happened."""

    name: Final = "notices"

    def __init__(self, public_url: str | None) -> None:
        self._public_url = public_url

    async def follow(
        self, connection: Any, event_id: str, changes: Sequence[Followed]
    ) -> None:
        """Write the letters about what was booked."""
        booked = [
            (one.change.booking, one.change.order if one.change.by_order else None)
            for one in changes
            if isinstance(one.change, HoldBooked)
        ]
        if not booked:
            return
        confirmed = await read_confirmed(connection, booked)
        if not confirmed:
            return
        event = await read_event(connection, event_id)
        calendar, url = calendar_file(event), self._public_url
        secrets = {one.order: new_code() for one in confirmed if one.order is not None}
        letters = [
            confirmation(one, event, calendar, url, secrets.get(one.order or "", ""))
            for one in confirmed
        ]
        await put_letters(connection, letters)
        if self._public_url is not None:
            links = {order: hash_of_code(one) for order, one in secrets.items()}
            await put_links(connection, links)
