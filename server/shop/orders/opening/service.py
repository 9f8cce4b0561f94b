"""Opens orders with secrets that were mailed, and knows who opened one.

What that is good for is for `server.base.access` to say: this order, its tickets, and
to cancel it.
"""

import asyncio
import secrets
from collections import OrderedDict
from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.people.addresses import address_key
from persistence.shop.orders.openings import Openings
from server.base.identity import Opener
from server.base.refusals.refusals import CODE_INVALID, Refusal
from server.shop.orders.opening.mails import opening_mail
from server.transport.mail.codes import CODE_BYTES, hash_of_code, new_code
from server.transport.ratelimit.meter import Meter

TOKEN_PREFIX: Final = "oot_"
LOOKED_UP_S: Final = 0.3
"""How long the answer takes at least, so that its time does not tell what fits: then
there is a mail to write."""

KNOWN_MAX: Final = 16_384


class OpenedOrder(Struct, frozen=True):
    """What somebody gets for a secret."""

    order: str
    access_token: str
    expires_in: int
    """Seconds."""

    def __repr__(self) -> str:
        """Leave out the token."""
        return f"OpenedOrder({self.order!r})"


class OpeningService:
    """Sends codes and takes them. Raises `Unavailable`, and `Refusal`.

    A `meter` counts mails and guesses, and raises `RateLimited`.
    """

    def __init__(self, store: Openings) -> None:
        self._store = store
        self._known: OrderedDict[bytes, None] = OrderedDict()

    async def look_up(self, reference: str, email: str, meter: Meter) -> None:
        """Send a code to who has an order, if both fit; nothing tells whether."""
        meter.mail(email)
        await asyncio.gather(
            self._send(reference.strip().upper(), email), asyncio.sleep(LOOKED_UP_S)
        )

    async def open(self, order: str, secret: str, meter: Meter) -> OpenedOrder:
        """Exchange the secret of a link, or a mailed code, for a token."""
        token = f"{TOKEN_PREFIX}{secrets.token_urlsafe(CODE_BYTES)}"
        hashed = hash_of_code(token)
        lasts_s = await self._store.exchange(order, hash_of_code(secret), hashed)
        if lasts_s is None:
            # No order, no such secret, or over: that is not told.
            meter.wrong_secret()
            raise Refusal(CODE_INVALID)
        self._remember(hashed)
        return OpenedOrder(order, token, lasts_s)

    def is_token(self, text: str) -> bool:
        """Return whether this looks like a token of ours; no access token does."""
        return text.startswith(TOKEN_PREFIX)

    def knows(self, text: str) -> bool:
        """Return whether a token was good a moment ago."""
        return hash_of_code(text) in self._known

    async def identify(self, text: str) -> Opener | None:
        """Return who a token proves. Raises `Unavailable`."""
        hashed = hash_of_code(text)
        found = await self._store.find(hashed)
        if found is None:
            self._known.pop(hashed, None)
            return None
        self._remember(hashed)
        until_s = int(found.expires_at.timestamp())
        return Opener(found.order, "order", until_s, order=found.order)

    async def _send(self, reference: str, email: str) -> None:
        to = await self._store.addressee(reference)
        if to is None or address_key(to.email) != address_key(email):
            return
        code = new_code()
        mail = opening_mail(to, code)
        await self._store.put_code(to, hash_of_code(code), mail)

    def _remember(self, hashed: bytes) -> None:
        self._known[hashed] = None
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)


OPENING_SERVICE: Final = web.AppKey("opening service", OpeningService)
