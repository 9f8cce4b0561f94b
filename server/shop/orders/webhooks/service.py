"""Takes what a provider sends: checks who sent it, stores and applies it at once.

Whatever it means for an order, it is accepted: a provider that hears anything but yes
sends the same again, for days. Only what is not the provider's is refused.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import structlog
from aiohttp import web

from persistence.errors import Unavailable
from persistence.postgres.pool import Pool
from persistence.shop.orders.provider_events import (
    FORGET_MAX,
    ProviderEvent,
    count_strange,
    forget_events,
    waiting_events,
)
from server.base.refusals.refusals import Refusal
from server.shop.orders.driving.desk import Desk
from server.shop.orders.driving.driver import Driver
from server.shop.orders.problems import PROVIDER_NOT_FOUND, WEBHOOK_FORGED
from server.shop.payments.provider import (
    Fact,
    Forged,
    PaymentProvider,
    ProviderUnavailable,
    Stale,
)

LOOK_S: Final = 5.0
"""How often it is looked for messages that can be applied now."""

STRANGE_S: Final = 600.0
"""What tells of nothing known for so long, nobody here has asked for."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Fact]).decode

log = structlog.get_logger()


class WebhookService:
    """Lets orders hear what providers say. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self,
        pool: Pool,
        desk: Desk,
        driver: Driver,
        provider: PaymentProvider | None,
    ) -> None:
        self._pool = pool
        self._desk = desk
        self._driver = driver
        self._provider = provider
        self.taken = 0
        self.refused = 0
        self.strange = 0
        """Messages of things that nobody here asked for, as of the last look."""

    async def take(
        self, provider: str, headers: Mapping[str, str], body: bytes
    ) -> bool:
        """Take what came in a provider's name; False if it waits for its attempt."""
        known, facts = self._read(provider, headers, body)
        self.taken += 1
        if not facts:
            return True
        try:
            facts = await known.trace(facts)
        except ProviderUnavailable as error:
            # Nothing is stored: the provider sends it again.
            raise Unavailable(str(error)) from error
        if not facts:
            return True
        return await self._apply(_event_of(provider, facts), facts)

    async def look(self) -> None:
        """Apply what waited for its attempt. Raises `Unavailable`."""
        for event in await waiting_events(self._pool):
            await self._apply_stored(event)
        self.strange = await count_strange(self._pool, STRANGE_S)

    async def forget(self) -> None:
        """Delete what is old. Raises `Unavailable`.

        What never found its attempt is told once more: nobody can look at it after.
        """
        gone = FORGET_MAX
        while gone == FORGET_MAX:
            gone, strange = await forget_events(self._pool)
            for event in strange:
                log.warning(
                    "a webhook that nobody asked for was kept long enough",
                    provider=event.provider,
                    event_ref=event.event_ref,
                    payment_ref=event.payment_ref,
                )

    def _read(
        self, name: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[PaymentProvider, list[Fact]]:
        """Return who sent what; no facts where it says nothing that concerns us."""
        provider = self._provider
        if provider is None or provider.name != name:
            raise Refusal(PROVIDER_NOT_FOUND)
        try:
            facts = provider.read(headers, body)
        except (Forged, Stale) as error:
            self.refused += 1
            log.info("a webhook was refused", provider=name, reason=repr(error))
            raise Refusal(WEBHOOK_FORGED) from error
        return provider, facts

    async def _apply_stored(self, event: ProviderEvent) -> None:
        """Apply what waited; what cannot be applied holds up no other."""
        try:
            await self._apply(event, _decode(event.body))
        except Unavailable:
            raise
        except Exception:
            self._desk.alarms += 1
            log.exception("a webhook cannot be applied", event_ref=event.event_ref)

    async def _apply(self, event: ProviderEvent, facts: list[Fact]) -> bool:
        """Let its order hear of a message; False if it waits for its attempt."""
        taken = await self._desk.take(event, facts)
        if isinstance(taken, bool):
            return taken
        self._driver.kick(taken)
        return True


def _event_of(provider: str, facts: list[Fact]) -> ProviderEvent:
    """Return a message as it is stored."""
    first = facts[0]
    return ProviderEvent(
        provider=provider,
        event_ref=first.event_ref,
        payment_ref=first.ref,
        attempt=getattr(first, "attempt", None),
        body=_encode(facts),
    )


WEBHOOK_SERVICE: Final = web.AppKey("webhooks of providers", WebhookService)
