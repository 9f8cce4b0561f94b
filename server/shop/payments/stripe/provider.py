"""Stripe as a provider of payment: an attempt is a session of its Checkout.

Each has our attempt in its metadata, and so has what moves its money; each refund has
ours. So whatever was asked is found again, though the answer was lost and Stripe has
forgotten the key that it was asked under. Whatever Stripe does, orders see facts or
`ProviderUnavailable`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from inventory.settings import Money
from server.shop.payments.provider import (
    Attempt,
    Disputed,
    Fact,
    Opened,
    ProviderUnavailable,
    RefundAsk,
    RefundFailed,
    RefundSettled,
    Session,
    Urls,
)
from server.shop.payments.stripe.asking import (
    TIMEOUT_S,
    StripeDesk,
    StripeRefused,
)
from server.shop.payments.stripe.currencies import NotCharged, to_stripe
from server.shop.payments.stripe.shapes import (
    ATTEMPT,
    REFUND,
    SESSION,
    CheckoutSession,
    StripeDispute,
    StripeRefund,
    dispute_fact_of,
    fact_of,
    refund_fact_of,
)
from server.shop.payments.stripe.webhooks import read_webhook

NAME: Final = "stripe"

ENDS_LATER_S: Final = 1_860
"""Stripe ends no session before 30 minutes; the shop ends it when the time is over.
From the attempt's time alone, so that asked again it is the same question."""

KEYS_MAX: Final = 3
"""Under so many keys a session is asked for, where Stripe keeps an accident."""

WORDS_MAX: Final = 250

FINAL: Final = frozenset({"charge_already_refunded", "charge_disputed"})
"""Refusals of a refund after which asking again is of no use."""


class StripeProvider:
    """Asks Stripe, and reads what it sends."""

    name = NAME

    def __init__(
        self,
        key: str,
        secrets: Sequence[str],
        *,
        url: str | None = None,
        timeout_s: float = TIMEOUT_S,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.test = is_test(key)
        self._desk = StripeDesk(key, url=url, timeout_s=timeout_s)
        self._secrets = secrets
        self._now_s = now_s

    async def open(self, attempt: Attempt, urls: Urls) -> Session:
        """Begin an attempt, or find it again."""
        asked = self._session_params(attempt, urls)
        for turn in range(KEYS_MAX):
            key = f"{attempt.attempt}.{turn}" if turn else attempt.attempt
            try:
                found = await self._desk.ask(
                    self._desk.api.checkout.sessions.create_async(
                        params=asked, options={"idempotency_key": key}
                    ),
                    CheckoutSession,
                )
            except StripeRefused as error:
                if not error.is_kept:
                    raise
                ref = await self.find(attempt.attempt)
                if ref is None:
                    # Of what was begun nobody has the address: nobody can pay it.
                    continue
                found = await self._desk.session(ref)
            return self._opened(found, attempt, asked, urls)
        raise self._desk.fails("it keeps an accident under each key")

    async def expire(self, ref: str) -> Fact:
        """End an attempt."""
        try:
            found = await self._desk.ask(
                self._desk.api.checkout.sessions.expire_async(ref), CheckoutSession
            )
        except StripeRefused as error:
            if error.status != 400:
                raise
            # It is over, or being paid this moment.
            found = await self._desk.session(ref)
        fact = self._fact_of(found, ref)
        if isinstance(fact, Opened):
            raise self._desk.lies("a session that does not end")
        return fact

    async def refund(self, ask: RefundAsk) -> Fact | None:
        """Give money back.

        Never under a second key: where Stripe keeps an accident it is asked again when
        it has forgotten that, after a day, and found before where it was made.
        """
        session = await self._desk.session(ask.ref)
        if session.intent is None:
            raise self._desk.lies("that nothing was paid")
        marks = {REFUND: ask.refund, SESSION: ask.ref}
        if session.attempt is not None:
            marks[ATTEMPT] = session.attempt
        amount = self._number(ask.amount, ask.currency)
        params: Any = {
            "payment_intent": session.intent,
            "amount": amount,
            "metadata": marks,
        }
        try:
            found = await self._desk.ask(
                self._desk.api.refunds.create_async(
                    params=params, options={"idempotency_key": ask.refund}
                ),
                StripeRefund,
            )
        except StripeRefused as error:
            return await self._refused(ask, session.intent, error)
        told = found.ours, found.payment_intent, found.amount, found.currency
        if told != (ask.refund, session.intent, amount, ask.currency.lower()):
            raise self._desk.lies("a refund of something else")
        return self._refund_fact_of(found, ask.ref)

    async def look(self, ref: str) -> list[Fact]:
        """Return what Stripe says now, what is asked about first."""
        session = await self._desk.session(ref)
        facts = await self._facts_of(session, ref)
        if session.attempt is None:
            raise self._desk.lies("a session of something else")
        for intent in await self._desk.intents_of(session.attempt):
            if intent.id == session.intent:
                continue
            other = await self._desk.session_of(intent.id)
            if other is None or other.id == ref:
                continue
            if other.attempt != session.attempt:
                raise self._desk.lies("a session of something else")
            facts += await self._facts_of(other, other.id)
        return facts

    async def find(self, attempt: str) -> str | None:
        """Return how Stripe calls an attempt: one that is paid, else one that is open.

        One that was paid within the last minute may not be found by the search; nobody
        has paid what no answer led to.
        """
        intents = await self._desk.intents_of(attempt)
        for intent in sorted(intents, key=lambda one: one.status != "succeeded"):
            session = await self._desk.session_of(intent.id)
            if session is not None and session.attempt == attempt:
                return session.id
        async for session in self._desk.open_sessions():
            if session.attempt == attempt:
                return session.id
        return None

    async def trace(self, facts: list[Fact]) -> list[Fact]:
        """Return facts by the session: refunds by hand, and disputes, name another."""
        traced: list[Fact] = []
        for fact in facts:
            later = isinstance(fact, RefundSettled | RefundFailed | Disputed)
            if later and _is_intent(fact.ref):
                session = await self._desk.session_of(fact.ref)
                if session is None:
                    continue
                fact = msgspec.structs.replace(fact, ref=session.id)
            traced.append(fact)
        return traced

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Fact]:
        """Return what a webhook says."""
        return read_webhook(self._secrets, headers, body, self._now_s())

    def refuses(self, price: Money) -> str | None:
        """Say why Stripe charges no such price."""
        try:
            to_stripe(price.amount, price.currency)
        except NotCharged as error:
            return f"{error}."
        return None

    async def close(self) -> None:
        """Give up connections."""
        await self._desk.close()

    def health(self) -> dict[str, object]:
        """Return what the health page shows: how the last question went."""
        tried = self._desk.tried_at
        part: dict[str, object] = {
            "status": self._desk.status,
            "provider": NAME,
            "test": self.test,
            "tried_at": tried and tried.isoformat(timespec="microseconds"),
        }
        if self._desk.status == "degraded":
            part["problems"] = [f"Stripe cannot be asked: {self._desk.trouble}."]
        return part

    def _session_params(self, attempt: Attempt, urls: Urls) -> Any:
        """Return what a session is asked for by, the same each time."""
        marks = {
            ATTEMPT: attempt.attempt,
            "order": attempt.order,
            "reference": attempt.reference,
        }
        words = attempt.description[:WORDS_MAX] or attempt.reference
        price = {
            "currency": attempt.currency.lower(),
            "unit_amount": self._number(attempt.amount, attempt.currency),
            "product_data": {"name": words},
        }
        params: Any = {
            "mode": "payment",
            # Those that say at once whether they pay: seats wait for no bank.
            "payment_method_types": ["card"],
            # Else the buyer may be charged in another currency than the order's.
            "adaptive_pricing": {"enabled": False},
            "line_items": [{"quantity": 1, "price_data": price}],
            "client_reference_id": attempt.order,
            "metadata": marks,
            "payment_intent_data": {
                "metadata": marks,
                "description": f"{attempt.reference} {words}",
            },
            "expires_at": attempt.expires_at_ms // 1_000 + ENDS_LATER_S,
            "success_url": urls.success,
            "cancel_url": urls.cancel,
        }
        # What Stripe takes for no address would be a session that nobody can have.
        if attempt.email and attempt.email.isascii():
            params["customer_email"] = attempt.email
        return params

    def _opened(
        self, found: CheckoutSession, attempt: Attempt, asked: Any, urls: Urls
    ) -> Session:
        """Return a session that Stripe gave for an attempt."""
        price = asked["line_items"][0]["price_data"]
        told = found.attempt, found.amount_total, found.currency
        if told != (attempt.attempt, price["unit_amount"], price["currency"]):
            raise self._desk.lies("a session of something else")
        # What is over has no page any more; the order's tells what became of it.
        return Session(ref=found.id, url=found.url or urls.success)

    async def _refused(
        self, ask: RefundAsk, intent: str, error: StripeRefused
    ) -> Fact | None:
        """Return what a refused refund is: made before, impossible, or not known."""
        final = error.status == 400 and error.code in FINAL
        if not final and not error.is_kept:
            raise error
        for one in await self._desk.refunds_of(intent):
            if one.ours == ask.refund:
                return self._refund_fact_of(one, ask.ref)
        if not final:
            raise error
        return RefundFailed(
            ref=ask.ref,
            at_ms=self._now_ms(),
            refund=ask.refund,
            # Stripe has no name for what it never made.
            refund_ref=ask.refund,
            amount=ask.amount,
            currency=ask.currency,
            reason=error.code,
        )

    async def _facts_of(self, one: CheckoutSession, ref: str) -> list[Fact]:
        """Return what a session, its refunds and its disputes say."""
        facts: list[Fact] = [self._fact_of(one, ref)]
        if one.intent is not None:
            for refund in await self._desk.refunds_of(one.intent):
                fact = self._refund_fact_of(refund, ref)
                if fact is not None:
                    facts.append(fact)
            facts += [
                self._dispute_fact_of(dispute, ref)
                for dispute in await self._desk.disputes_of(one.intent)
            ]
        return facts

    def _fact_of(self, one: CheckoutSession, ref: str) -> Fact:
        if one.id != ref:
            raise self._desk.lies("a session of something else")
        try:
            return fact_of(one, self._now_ms())
        except ValueError as error:
            raise self._desk.lies(str(error)) from None

    def _refund_fact_of(self, one: StripeRefund, ref: str) -> Fact | None:
        try:
            return refund_fact_of(one, ref, self._now_ms())
        except ValueError as error:
            raise self._desk.lies(str(error)) from None

    def _dispute_fact_of(self, one: StripeDispute, ref: str) -> Fact:
        try:
            return dispute_fact_of(one, ref, self._now_ms())
        except ValueError as error:
            raise self._desk.lies(str(error)) from None

    def _number(self, amount: int, currency: str) -> int:
        try:
            return to_stripe(amount, currency)
        except NotCharged as error:
            raise ProviderUnavailable(str(error)) from None

    def _now_ms(self) -> int:
        return round(self._now_s() * 1_000)


def is_test(key: str) -> bool:
    """Return whether a key is of Stripe's test mode, where nobody has money."""
    return "_test_" in key[:8]


def _is_intent(ref: str) -> bool:
    return ref.startswith("pi_")
