"""Our test gateway as a provider of payment.

Whatever the gateway does, orders see facts or `ProviderUnavailable`: an answer that is
late, leads elsewhere, is too long, of another form, or of something that was not asked
about is none. Everything that is asked has a key, so it may be asked again.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
import structlog

from inventory.settings import Money
from server.shop.payments.gateway.wire import (
    DisputeDocument,
    RefundBody,
    RefundDocument,
    SessionAsk,
    SessionDocument,
    Trouble,
    Webhook,
)
from server.shop.payments.provider import (
    Attempt,
    AttemptFact,
    Captured,
    Disputed,
    Expired,
    Fact,
    Failed,
    Forged,
    Opened,
    Processing,
    ProviderUnavailable,
    RefundAsk,
    RefundFact,
    RefundFailed,
    RefundSettled,
    Session,
    Urls,
)
from server.shop.payments.signing import verify
from server.transport.client.answers import read_answer

NAME: Final = "gateway"
TIMEOUT_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 256 << 10
CONNECTIONS_MAX: Final = 64

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What is raised for what is no JSON, is of another form, or nests without end."""

T = TypeVar("T")
_encode = msgspec.json.Encoder().encode
_webhook = msgspec.json.Decoder(Webhook).decode

log = structlog.get_logger()


class GatewayProvider:
    """Asks the gateway, and reads what it sends."""

    name = NAME

    def __init__(
        self,
        url: str,
        secrets: Sequence[bytes],
        *,
        timeout_s: float = TIMEOUT_S,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.status = "ok"
        """ok, or degraded: the last thing that was asked got no answer."""
        self.tried_at: datetime | None = None
        self._trouble = ""
        self._url = url.rstrip("/")
        self._secrets = secrets
        self._timeout_s = timeout_s
        self._now_s = now_s
        self._session: aiohttp.ClientSession | None = None

    async def open(self, attempt: Attempt, urls: Urls) -> Session:
        """Begin an attempt, or find it again."""
        ask = SessionAsk(
            attempt=attempt.attempt,
            order=attempt.order,
            reference=attempt.reference,
            amount=attempt.amount,
            currency=attempt.currency,
            description=attempt.description,
            email=attempt.email,
            expires_at_ms=attempt.expires_at_ms,
            success=urls.success,
            cancel=urls.cancel,
            webhook=urls.webhook,
        )
        found = await self._ask("POST", "/v1/sessions", SessionDocument, ask)
        told = found.attempt, found.amount, found.currency
        if told != (attempt.attempt, attempt.amount, attempt.currency):
            raise self._lies("a session of something else")
        return Session(ref=found.id, url=found.url)

    async def expire(self, ref: str) -> Fact:
        """End an attempt."""
        found = await self._ask("POST", f"/v1/sessions/{ref}/expire", SessionDocument)
        fact = _fact_of(self._same(found, ref))
        if isinstance(fact, Opened):
            raise self._lies("a session that does not end")
        return fact

    async def refund(self, ask: RefundAsk) -> Fact | None:
        """Give money back."""
        body = RefundBody(
            refund=ask.refund,
            session=ask.ref,
            amount=ask.amount,
            currency=ask.currency,
            reason=ask.reason,
        )
        found = await self._ask("POST", "/v1/refunds", RefundDocument, body)
        told = found.refund, found.session, found.amount, found.currency
        if told != (ask.refund, ask.ref, ask.amount, ask.currency):
            raise self._lies("a refund of something else")
        return _refund_fact_of(found)

    async def look(self, ref: str) -> list[Fact]:
        """Return what the gateway says now, what is asked about first."""
        found = self._same(
            await self._ask("GET", f"/v1/sessions/{ref}", SessionDocument), ref
        )
        facts = self._facts_of(found)
        for other in found.others:
            if other.attempt != found.attempt or other.id == ref:
                raise self._lies("a session of something else")
            facts += self._facts_of(other)
        return facts

    def _facts_of(self, one: SessionDocument) -> list[Fact]:
        """Return what a session, its refunds and its disputes say."""
        facts: list[Fact] = [_fact_of(one)]
        for refund in one.refunds:
            if refund.session != one.id:
                raise self._lies("a refund of something else")
            fact = _refund_fact_of(refund)
            if fact is not None:
                facts.append(fact)
        for dispute in one.disputes:
            if dispute.session != one.id:
                raise self._lies("a dispute of something else")
            facts.append(_dispute_fact_of(dispute))
        return facts

    async def find(self, attempt: str) -> str | None:
        """Return how the gateway calls an attempt."""
        path = f"/v1/sessions?attempt={attempt}"
        found = await self._ask_for(SessionDocument, "GET", path)
        if found is None:
            return None
        if found.attempt != attempt:
            raise self._lies("a session of something else")
        return found.id

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Fact]:
        """Return what a webhook says: one fact, or none of a kind that is not known."""
        event_ref = verify(self._secrets, headers, body, self._now_s())
        try:
            message = _webhook(body)
            kind, _, state = message.type.partition(".")
            if kind == "payment":
                session = msgspec.json.decode(message.data, type=SessionDocument)
                if session.state != state:
                    raise Forged("the message contradicts itself")
                return [_fact_of(session, event_ref)]
            if kind == "refund":
                refund = msgspec.json.decode(message.data, type=RefundDocument)
                if refund.state != state:
                    raise Forged("the message contradicts itself")
                fact = _refund_fact_of(refund, event_ref)
                return [] if fact is None else [fact]
            if kind == "dispute":
                dispute = msgspec.json.decode(message.data, type=DisputeDocument)
                if dispute.state != state:
                    raise Forged("the message contradicts itself")
                return [_dispute_fact_of(dispute, event_ref)]
        except UNREADABLE as error:
            # Signed by us or by nobody; what it says cannot be believed either way.
            raise Forged(f"the message cannot be read: {error!r}") from None
        return []

    async def trace(self, facts: list[Fact]) -> list[Fact]:
        """Return them as they are: the gateway names nothing but sessions of ours."""
        return facts

    def refuses(self, price: Money) -> str | None:
        """Return None: it takes whatever is a price."""
        return None

    async def close(self) -> None:
        """Give up connections."""
        if self._session is not None:
            await self._session.close()

    def health(self) -> dict[str, object]:
        """Return what the health page shows: how the last question went."""
        part: dict[str, object] = {
            "status": self.status,
            "provider": NAME,
            "test": True,
            "tried_at": None,
        }
        if self.tried_at is not None:
            part["tried_at"] = self.tried_at.isoformat(timespec="microseconds")
        if self.status == "degraded":
            part["problems"] = [
                f"The payment gateway cannot be asked: {self._trouble}."
            ]
        return part

    async def _ask(self, method: str, path: str, kind: type[T], body: Any = None) -> T:
        """Return an answer. Raises ProviderUnavailable."""
        found = await self._ask_for(kind, method, path, body)
        if found is None:
            raise self._lies("that it does not know what was asked about")
        return found

    async def _ask_for(
        self, kind: type[T], method: str, path: str, body: Any = None
    ) -> T | None:
        """Return an answer, None for a 404. Raises ProviderUnavailable."""
        try:
            async with asyncio.timeout(self._timeout_s):
                status, answer = await self._send(method, path, body)
        except TimeoutError:
            raise self._fails(f"no answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._fails(f"{type(error).__name__}") from None
        if status not in (200, 404):
            raise self._fails(f"it answered {status}{_code_of(answer)}")
        try:
            if status == 404:
                # Of the gateway itself: anything may answer 404 where it is not.
                msgspec.json.decode(answer, type=Trouble)
                found = None
            else:
                found = msgspec.json.decode(answer, type=kind)
        except UNREADABLE:
            raise self._fails("its answer cannot be read") from None
        self.status, self.tried_at = "ok", datetime.now(UTC)
        return found

    async def _send(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        """Send a request, once more where the connection was of another gateway."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                # What is packed is no answer: a small one may become very large.
                auto_decompress=False,
                headers={"Authorization": f"Bearer {self._secrets[0].decode()}"},
            )
        data = None if body is None else _encode(body)
        for last in (False, True):
            try:
                async with self._session.request(
                    method,
                    self._url + path,
                    data=data,
                    headers={"Content-Type": "application/json"},
                    allow_redirects=False,
                ) as response:
                    return response.status, await read_answer(
                        response, ANSWER_BYTES_MAX
                    )
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, OSError):
                if last:
                    raise
        raise AssertionError("it returned or raised")

    def _same(self, found: SessionDocument, ref: str) -> SessionDocument:
        if found.id != ref:
            raise self._lies("a session of something else")
        return found

    def _lies(self, what: str) -> ProviderUnavailable:
        return self._fails(f"it answered with {what}")

    def _fails(self, trouble: str) -> ProviderUnavailable:
        self.status, self.tried_at = "degraded", datetime.now(UTC)
        self._trouble = trouble
        log.warning("the payment gateway cannot be asked", reason=trouble)
        return ProviderUnavailable(trouble)


def _code_of(answer: bytes) -> str:
    """Return the code in a refusal, for the log."""
    try:
        return f" ({msgspec.json.decode(answer, type=Trouble).code[:40]})"
    except UNREADABLE:
        return ""


def _fact_of(one: SessionDocument, event_ref: str = "") -> AttemptFact:
    """Return what a session's state says."""
    said: dict[str, Any] = {
        "ref": one.id,
        "at_ms": one.changed_at_ms,
        "event_ref": event_ref,
        "attempt": one.attempt,
    }
    match one.state:
        case "open":
            return Opened(**said)
        case "processing":
            return Processing(**said)
        case "failed":
            return Failed(**said, reason=one.reason)
        case "expired":
            return Expired(**said)
        case "captured":
            return Captured(**said, amount=one.captured, currency=one.captured_currency)


def _refund_fact_of(one: RefundDocument, event_ref: str = "") -> RefundFact | None:
    """Return what a refund's state says; None while it is under way."""
    if one.state == "pending":
        return None
    kind = RefundSettled if one.state == "settled" else RefundFailed
    return kind(
        ref=one.session,
        at_ms=one.changed_at_ms,
        event_ref=event_ref,
        refund=one.refund,
        refund_ref=one.id,
        amount=one.amount,
        currency=one.currency,
        reason=one.reason,
    )


def _dispute_fact_of(one: DisputeDocument, event_ref: str = "") -> Disputed:
    """Return what a dispute's state says."""
    return Disputed(
        ref=one.session,
        at_ms=one.changed_at_ms,
        event_ref=event_ref,
        dispute_ref=one.id,
        state=one.state,
        amount=one.amount,
        currency=one.currency,
        reason=one.reason,
    )
