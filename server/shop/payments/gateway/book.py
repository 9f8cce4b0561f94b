"""What the gateway keeps in its file: sessions, refunds, disputes, webhooks to be sent.

A change and the webhooks that tell of it are written together. So a gateway that is
killed goes on where it was: what is due happens, and what was not told is told.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from persistence.shop.payments.gateway_file import GatewayFile
from server.shop.payments.gateway import machine
from server.shop.payments.gateway.machine import Doubt, Giving, Outcome, Sitting
from server.shop.payments.gateway.wire import (
    Behaviour,
    Decision,
    DisputeBody,
    DisputeDocument,
    RefundBody,
    RefundDocument,
    SessionAsk,
    SessionDocument,
    State,
    Webhook,
)

SESSION: Final = "session"
REFUND: Final = "refund"
DISPUTE: Final = "dispute"
MESSAGE: Final = "message"

KEPT_MS: Final = 30 * 86_400_000
"""Sessions are remembered so long; the file then has room for others."""

DUE_MAX: Final = 256
REF_BYTES: Final = 18

_encode = msgspec.msgpack.Encoder().encode
_json = msgspec.json.Encoder().encode
_sitting = msgspec.msgpack.Decoder(Sitting).decode
_giving = msgspec.msgpack.Decoder(Giving).decode
_doubt = msgspec.msgpack.Decoder(Doubt).decode


class Unknown(Exception):
    """There is no session, or dispute, of that id."""


class NothingLeft(Exception):
    """Not so much is left of the payment that it could be disputed."""


class KeyReused(Exception):
    """The same key asks for something else than it did before."""


class Message(Struct, frozen=True, kw_only=True):
    """A webhook to be sent."""

    id: str
    url: str
    body: bytes
    due_ms: int
    first_ms: int
    tries: int = 0
    kind: Literal["true", "forged", "stale"] = "true"
    copies: int = 1
    then: list["Message"] = []
    """What is sent after this one was."""


_message = msgspec.msgpack.Decoder(Message).decode


class Book:
    """Sessions and refunds by the rules of `machine`, and what is to be told of them.

    `wake` is called when something new may be due.
    """

    def __init__(self, file: GatewayFile, url: str, now_ms: Callable[[], int]) -> None:
        self.behaviour = Behaviour()
        """How sessions are treated that begin from now on; a restart forgets it."""
        self.wake: Callable[[], None] = lambda: None
        self._file = file
        self._url = url
        self._now_ms = now_ms

    def open(self, ask: SessionAsk) -> SessionDocument:
        """Begin a session, once per attempt. Raises KeyReused."""
        known = self._file.of_alias(SESSION, ask.attempt)
        if known:
            one = _sitting(known[0])
            # Which addresses we have may change while an attempt is open.
            places = {"success": "", "cancel": "", "webhook": ""}
            if replace(one.ask, **places) != replace(ask, **places):
                raise KeyReused
            return self._told(one)
        now_ms = self._now_ms()
        one = machine.begin(_name("gs"), ask, self.behaviour, now_ms)
        self._keep(one)
        self.wake()
        return self._told(one)

    def session(self, ref: str) -> Sitting:
        """Return a session. Raises Unknown."""
        body = self._file.get(SESSION, ref)
        if body is None:
            raise Unknown
        return _sitting(body)

    def show(self, ref: str) -> SessionDocument:
        """Return a session as it is told, with its refunds and its twins.

        Raises Unknown.
        """
        one = self.session(ref)
        of_attempt = self._file.of_alias(SESSION, one.ask.attempt)
        others = [self._told(_sitting(body)) for body in of_attempt]
        others = [other for other in others if other.id != ref]
        return replace(self._told(one), others=others)

    def of_attempt(self, attempt: str) -> SessionDocument | None:
        """Return the session of an attempt: the first, should there be a twin."""
        known = self._file.of_alias(SESSION, attempt)
        return self._told(_sitting(known[0])) if known else None

    def choose(self, ref: str, outcome: Outcome) -> Sitting:
        """Do what the buyer chose; return what became of it. Raises Unknown."""
        one = self.session(ref)
        return self._change(one, machine.choose(one, outcome, self._now_ms()))

    def expire(self, ref: str) -> SessionDocument:
        """End a session where it is open; return what became of it. Raises Unknown."""
        one = self.session(ref)
        return self._told(self._change(one, machine.expire(one, self._now_ms())))

    def treat(self, ref: str, behaviour: Behaviour) -> SessionDocument:
        """Treat one session differently from now on. Raises Unknown."""
        one = replace(self.session(ref), behaviour=behaviour)
        self._keep(one)
        return self._told(one)

    def refund(self, ask: RefundBody) -> RefundDocument:
        """Give money back, once per refund. Raises Unknown and KeyReused."""
        known = self._file.get(REFUND, ask.refund)
        if known is not None:
            before = _giving(known)
            if replace(before.ask, reason="") != replace(ask, reason=""):
                raise KeyReused
            return machine.refund_document_of(before)
        one = self.session(ask.session)
        made = machine.give(
            _name("gr"),
            ask,
            one,
            self._left_of(one),
            self._now_ms(),
            disputed=any(doubt.state == "open" for doubt in self.disputes(one.ref)),
        )
        self._keep_refund(made, one)
        return machine.refund_document_of(made)

    def dispute(self, ask: DisputeBody) -> DisputeDocument:
        """Let the buyer's bank doubt a payment. Raises Unknown and NothingLeft."""
        one = self.session(ask.session)
        left = self._left_of(one)
        amount = ask.amount or left
        if not 0 < amount <= left:
            raise NothingLeft
        made = Doubt(
            ref=_name("gd"),
            session=one.ref,
            amount=amount,
            currency=one.captured_currency,
            reason=ask.reason,
            changed_at_ms=self._now_ms(),
        )
        self._keep_dispute(made, one)
        return machine.dispute_document_of(made)

    def decide(self, dispute: str, to: Decision) -> DisputeDocument:
        """Let the bank decide; what it decided stays. Raises Unknown."""
        body = self._file.get(DISPUTE, dispute)
        if body is None:
            raise Unknown
        before = _doubt(body)
        after = machine.decide(before, to, self._now_ms())
        if after != before:
            self._keep_dispute(after, self.session(after.session))
        return machine.dispute_document_of(after)

    def disputes(self, ref: str) -> list[Doubt]:
        """Return the disputes of a session, the oldest first."""
        return [_doubt(body) for body in self._file.of_alias(DISPUTE, ref)]

    def pass_time(self) -> int:
        """Let happen what is due; return the time by which that was."""
        now_ms = self._now_ms()
        for body in self._file.due(SESSION, now_ms, DUE_MAX):
            one = _sitting(body)
            self._change(one, machine.pass_time(one, now_ms))
        for body in self._file.due(REFUND, now_ms, DUE_MAX):
            giving = _giving(body)
            one = self.session(giving.ask.session)
            self._keep_refund(machine.settle(giving, now_ms), one)
        return now_ms

    def next_due_ms(self, passed_ms: int) -> int | None:
        """Return when something is due that was not when time had passed until then.

        That may be before now: what fell due meanwhile has not happened.
        """
        return self._file.next_due_ms(passed_ms)

    def messages(self, limit: int) -> list[Message]:
        """Return webhooks that are to be sent now."""
        return [
            _message(body) for body in self._file.due(MESSAGE, self._now_ms(), limit)
        ]

    def sent(self, message: Message) -> None:
        """Note that a webhook was taken, or needs not be; what follows is due now."""
        with self._file.writing():
            self._file.remove(MESSAGE, message.id)
            self._queue(message.then)

    def later(self, message: Message, due_ms: int) -> None:
        """Note that a webhook is to be sent again, then; what follows is due now."""
        again = replace(message, tries=message.tries + 1, due_ms=due_ms, then=[])
        with self._file.writing():
            self._queue([again, *message.then])

    def forget(self) -> int:
        """Remove what is long over; return how many records that were."""
        return self._file.forget(self._now_ms() - KEPT_MS)

    def _change(self, before: Sitting, one: Sitting) -> Sitting:
        """Keep what a session became, with what is told of it."""
        if one == before:
            return one
        with self._file.writing():
            self._keep(one)
            self._tell_all(one, machine.told_of(before.state, one))
            if one.state == "captured" and one.behaviour.double_charge:
                second = machine.twin_of(one, _name("gs"))
                self._keep(second)
                self._tell_all(second, ["captured"])
        self.wake()
        return one

    def _tell_all(self, one: Sitting, states: Sequence[State]) -> None:
        bodies = []
        for state in states:
            captured = one.captured if state == "captured" else 0
            then = replace(one, state=state, captured=captured)
            bodies.append(self._body(f"payment.{state}", self._told(then)))
        self._tell(one, bodies)

    def _keep_refund(self, giving: Giving, one: Sitting) -> None:
        with self._file.writing():
            self._file.put(
                REFUND,
                giving.ask.refund,
                _encode(giving),
                now_ms=self._now_ms(),
                alias=giving.ask.session,
                due_ms=giving.next_ms,
            )
            if giving.state != "pending":
                document = machine.refund_document_of(giving)
                self._tell(one, [self._body(f"refund.{giving.state}", document)])
        self.wake()

    def _keep_dispute(self, doubt: Doubt, one: Sitting) -> None:
        document = machine.dispute_document_of(doubt)
        with self._file.writing():
            self._file.put(
                DISPUTE,
                doubt.ref,
                _encode(doubt),
                now_ms=self._now_ms(),
                alias=doubt.session,
            )
            self._tell(one, [self._body(f"dispute.{doubt.state}", document)])
        self.wake()

    def _keep(self, one: Sitting) -> None:
        self._file.put(
            SESSION,
            one.ref,
            _encode(one),
            now_ms=self._now_ms(),
            alias=one.ask.attempt,
            due_ms=one.next_ms,
        )

    def _body(
        self, kind: str, document: SessionDocument | RefundDocument | DisputeDocument
    ) -> bytes:
        at = datetime.fromtimestamp(document.changed_at_ms / 1_000, UTC)
        data = msgspec.Raw(_json(document))
        return _json(Webhook(type=kind, timestamp=at, data=data))

    def _tell(self, one: Sitting, bodies: Sequence[bytes]) -> None:
        """Send webhooks, each after the one before it, as badly as was asked for."""
        wanted = one.behaviour
        if wanted.lost:
            return
        now_ms = self._now_ms()
        chain: list[Message] = []
        for body in reversed(bodies):
            true = Message(
                id=_name("msg"),
                url=one.ask.webhook,
                body=body,
                due_ms=now_ms + wanted.webhook_delay_ms,
                first_ms=now_ms,
                copies=wanted.webhook_copies,
            )
            if wanted.stale:
                # The same message, which its receiver may have seen: it has to be
                # refused for its age, before anybody looks.
                old = f"{true.id}_old"
                chain = [replace(true, id=old, kind="stale", copies=1, then=chain)]
            chain = [replace(true, then=chain)]
            if wanted.forged:
                made_up = _name("msg")
                chain = [replace(true, id=made_up, kind="forged", copies=1, then=chain)]
        self._queue(chain)

    def _queue(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._file.put(
                MESSAGE,
                message.id,
                _encode(message),
                now_ms=self._now_ms(),
                due_ms=message.due_ms,
            )

    def _told(self, one: Sitting) -> SessionDocument:
        url = f"{self._url}/pay/{one.ref}"
        refunds, doubts = self._refunds_of(one.ref), self.disputes(one.ref)
        return machine.document_of(one, url, refunds, doubts)

    def _left_of(self, one: Sitting) -> int:
        return machine.left_of(one, self._refunds_of(one.ref), self.disputes(one.ref))

    def _refunds_of(self, ref: str) -> list[Giving]:
        return [_giving(body) for body in self._file.of_alias(REFUND, ref)]


def _name(kind: str) -> str:
    return f"{kind}_{secrets.token_urlsafe(REF_BYTES)}"
