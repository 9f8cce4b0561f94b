"""Questions to Stripe, as its library puts them, and what may become of them.

Every question ends within a time, with an answer of the form that was expected or with
`ProviderUnavailable`; a refusal of Stripe's is one that tells its status and code.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
import stripe
import structlog

from server.shop.payments.provider import ProviderUnavailable
from server.shop.payments.stripe.shapes import (
    ATTEMPT,
    CheckoutSession,
    DisputeList,
    Intent,
    IntentList,
    Marked,
    RefundList,
    SessionList,
    StripeDispute,
    StripeRefund,
)
from server.shop.payments.stripe.transport import Transport

TIMEOUT_S: Final = 10.0
RETRIES: Final = 1
"""How often the library asks again by itself, within that time."""

PAGE: Final = 100
"""As many as Stripe lists at once."""

OPEN_PAGES_MAX: Final = 20
"""So far it is looked for an open session of which the answer was lost."""

REFUND_PAGES_MAX: Final = 10

_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,120}")

T = TypeVar("T")
log = structlog.get_logger()


class StripeRefused(ProviderUnavailable):
    """Stripe answered, and not with what was asked for."""

    def __init__(self, trouble: str, status: int, code: str, replayed: bool) -> None:
        super().__init__(trouble)
        self.status, self.code = status, code
        self.replayed = replayed
        """Whether it was the answer to the same question before, which it kept."""

    @property
    def is_kept(self) -> bool:
        """Whether asking under the same key gets nothing else for a day.

        Stripe keeps even its own accidents under a key, and takes no other question
        under it.
        """
        return self.code == "idempotency_error" or (
            self.status >= 500 and self.replayed
        )


class StripeDesk:
    """Puts questions, and tells how the last one went."""

    def __init__(
        self, key: str, *, url: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        # It would tell Stripe how long each question took.
        stripe.enable_telemetry = False
        addresses: Any = {} if url is None else {"api": url.rstrip("/")}
        self._transport = Transport()
        client = stripe.StripeClient(
            key,
            http_client=self._transport,
            base_addresses=addresses,
            max_network_retries=RETRIES,
        )
        self.api: Final = client.v1
        self._timeout_s = timeout_s
        self._searches = True
        """False where the account's country has no search."""
        self._sees_disputes = True
        """False where the key may not read them."""
        self.status = "ok"
        """ok, or degraded: the last thing that was asked got no answer."""
        self.tried_at: datetime | None = None
        self.trouble = ""

    async def ask(self, asking: Awaitable[Any], kind: type[T]) -> T:
        """Return an answer. Raises ProviderUnavailable, as all that follow do."""
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await asking
        except TimeoutError:
            raise self.fails(f"no answer within {self._timeout_s:g} s") from None
        except stripe.StripeError as error:
            raise self._refused(error) from None
        try:
            answer = msgspec.json.decode(found.last_response.body, type=kind)
        except (ValueError, RecursionError):
            raise self.fails("its answer cannot be read") from None
        self.status, self.tried_at = "ok", datetime.now(UTC)
        return answer

    async def session(self, ref: str) -> CheckoutSession:
        """Return a session as it is, with what moves its money."""
        found = await self.ask(
            self.api.checkout.sessions.retrieve_async(
                ref, params={"expand": ["payment_intent"]}
            ),
            CheckoutSession,
        )
        if found.id != ref:
            raise self.lies("a session of something else")
        return found

    async def session_of(self, intent: str) -> CheckoutSession | None:
        """Return the session whose money an intent moves; None where it has none."""
        found = await self.ask(
            self.api.checkout.sessions.list_async(
                params={"payment_intent": intent, "limit": 1}
            ),
            SessionList,
        )
        for session in _ours(found):
            if session.intent != intent:
                raise self.lies("a session of something else")
            return session
        return None

    async def open_sessions(self) -> AsyncIterator[CheckoutSession]:
        """Return sessions of ours that may be paid, the newest first."""

        def page(after: dict[str, str]) -> Awaitable[Any]:
            params: Any = {"status": "open", "limit": PAGE, **after}
            return self.api.checkout.sessions.list_async(params=params)

        async for found in self._pages(page, SessionList, OPEN_PAGES_MAX):
            for session in _ours(found):
                yield session

    async def intents_of(self, attempt: str) -> list[Intent]:
        """Return what moved, or is to move, the money of an attempt.

        Stripe's search is behind by up to a minute. Where it has none at all, as in
        India, nothing is found.
        """
        if not self._searches or not _NAME.fullmatch(attempt):
            return []
        query = f"metadata['attempt']:'{attempt}'"
        try:
            found = await self.ask(
                self.api.payment_intents.search_async(
                    params={"query": query, "limit": PAGE}
                ),
                IntentList,
            )
        except StripeRefused as error:
            if error.status != 400:
                raise
            # It will be so for the next one as well, and is nothing to wait for.
            self._searches, self.status = False, "ok"
            log.warning("Stripe has no search for this account", answer=str(error))
            return []
        return found.data

    async def refunds_of(self, intent: str) -> list[StripeRefund]:
        """Return all refunds of what an intent moved."""

        def page(after: dict[str, str]) -> Awaitable[Any]:
            params: Any = {"payment_intent": intent, "limit": PAGE, **after}
            return self.api.refunds.list_async(params=params)

        found: list[StripeRefund] = []
        async for some in self._pages(page, RefundList, REFUND_PAGES_MAX):
            found += some.data
        if any(one.payment_intent != intent for one in found):
            raise self.lies("a refund of something else")
        return found

    async def disputes_of(self, intent: str) -> list[StripeDispute]:
        """Return all disputes of what an intent moved.

        A restricted key may not read them: then webhooks alone tell of them.
        """
        if not self._sees_disputes:
            return []

        def page(after: dict[str, str]) -> Awaitable[Any]:
            params: Any = {"payment_intent": intent, "limit": PAGE, **after}
            return self.api.disputes.list_async(params=params)

        found: list[StripeDispute] = []
        try:
            async for some in self._pages(page, DisputeList, REFUND_PAGES_MAX):
                found += some.data
        except StripeRefused as error:
            if error.status != 403:
                raise
            self._sees_disputes, self.status = False, "ok"
            log.warning("the key of Stripe may not read disputes", answer=str(error))
            return []
        if any(one.payment_intent != intent for one in found):
            raise self.lies("a dispute of something else")
        return found

    async def close(self) -> None:
        """Give up connections."""
        await self._transport.close_async()

    def lies(self, what: str) -> ProviderUnavailable:
        """Return what to raise for an answer to another question."""
        return self.fails(f"it answered with {what}")

    def fails(self, trouble: str) -> ProviderUnavailable:
        """Return what to raise where nothing is known."""
        self._note(trouble)
        return ProviderUnavailable(trouble)

    async def _pages(
        self, page: Callable[[dict[str, str]], Awaitable[Any]], kind: type[T], most: int
    ) -> AsyncIterator[T]:
        """Return pages of a list to its end."""
        after: dict[str, str] = {}
        for _ in range(most):
            found: Any = await self.ask(page(after), kind)
            yield found
            if not found.has_more or not found.data:
                return
            last = found.data[-1]
            if isinstance(last, msgspec.Raw):
                last = msgspec.json.decode(last, type=_Named)
            after = {"starting_after": last.id}
        raise self.fails("it lists more than can be looked through")

    def _refused(self, error: stripe.StripeError) -> ProviderUnavailable:
        """Return what became of a question that was refused, or never arrived."""
        status = error.http_status
        if status is None:
            # Of our transport, which names the kind of trouble and nothing else.
            return self.fails(str(error.user_message))
        code = error.code or ""
        if isinstance(error, stripe.IdempotencyError):
            code = "idempotency_error"
        shown = f" ({code})" if _NAME.fullmatch(code) else ""
        headers = {name.lower(): text for name, text in (error.headers or {}).items()}
        replayed = headers.get("idempotent-replayed") == "true"
        trouble = f"it answered {status}{shown}"
        self._note(trouble)
        return StripeRefused(trouble, status, code, replayed)

    def _note(self, trouble: str) -> None:
        self.status, self.tried_at = "degraded", datetime.now(UTC)
        self.trouble = trouble
        log.warning("Stripe did not do what was asked", reason=trouble)


class _Named(msgspec.Struct):
    id: str


def _ours(found: SessionList) -> list[CheckoutSession]:
    """Return those of a list that are ours: an account may have others."""
    return [
        _session(raw) for raw in found.data if ATTEMPT in (_marked(raw).metadata or {})
    ]


_marked = msgspec.json.Decoder(Marked).decode
_session = msgspec.json.Decoder(CheckoutSession).decode
