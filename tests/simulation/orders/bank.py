"""A provider of payment that outlives our processes, with all that providers do.

It answers late, loses answers, tells twice, late, out of order or never, is told on
by somebody who forges, settles refunds later, or lets them fail after all. Banks of
buyers doubt payments, and decide later whose the money is.
"""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from inventory.settings import Money
from persistence.shop.orders.records import DisputeState
from server.shop.payments.provider import (
    Attempt,
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
    RefundFailed,
    RefundSettled,
    Session,
    Stale,
    Urls,
)
from tests.simulation.giving.checks import check_seats_gone

if TYPE_CHECKING:
    from tests.simulation.world import World

NAME: Final = "bank"
TRIES_MAX: Final = 5
"""So often a webhook is sent until somebody says yes."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Fact]).decode


class Account(Struct):
    """A session, and what became of its money."""

    ref: str
    attempt: Attempt
    state: str = "open"
    captured: int = 0
    currency: str = ""


class Return(Struct):
    """A refund, as the bank has it."""

    ref: str
    session: str
    refund: str | None
    amount: int
    currency: str
    state: str = "pending"


class Doubt(Struct):
    """A dispute, as the bank has it: the money is nobody's until it has decided."""

    ref: str
    session: str
    amount: int
    currency: str
    state: DisputeState = "open"

    @property
    def takes(self) -> int:
        """What of the payment nobody can return."""
        return 0 if self.state == "won" else self.amount


class Bank:
    """The provider's side."""

    def __init__(self, world: "World", random: Random, faulty: bool) -> None:
        self.world = world
        self.random = random
        self.accounts: dict[str, Account] = {}
        self.returns: dict[str, Return] = {}
        self.doubts: dict[str, Doubt] = {}
        self.fails = random.choice((0.0, 0.05, 0.2)) if faulty else 0.0
        """How often nothing is done, and how often what was done is not answered."""
        self.loses = random.choice((0.0, 0.3, 1.0)) if faulty else 0.0
        """How often nobody is told of something."""
        self.lags_s = random.choice((0.0, 0.5, 8.0))
        self.refund_fails = random.choice((0.0, 0.3)) if faulty else 0.0
        self.down_until = 0.0
        self.told: dict[str, list[Fact]] = {}
        """All that was ever said of an order."""
        self.coming: list[str] = []
        """What somebody will pay later, returns that will settle or fail, and disputes
        that will be decided."""
        self.acknowledged: set[str] = set()
        self._of_attempt: dict[str, str] = {}
        self._numbered = 0

    def heal(self) -> None:
        """Do from now on what is asked, and say so."""
        self.fails = self.loses = 0.0
        self.down_until = 0.0

    def sessions_of(self, order: str) -> list[Account]:
        """Return the sessions of an order, the oldest first."""
        return [one for one in self.accounts.values() if one.attempt.order == order]

    def _ref(self, kind: str) -> str:
        self._numbered += 1
        return f"{kind}_{self._numbered}"

    def _now_ms(self) -> int:
        return self.world.database.clock.now_ms()

    # What we ask.

    def open(self, attempt: Attempt) -> Session:
        """Begin an attempt, each once."""
        ref = self._of_attempt.get(attempt.attempt)
        if ref is None:
            ref = self._of_attempt[attempt.attempt] = self._ref("cs")
            self.accounts[ref] = Account(ref, attempt)
            self._tell(ref, self.fact_of(ref))
        return Session(ref=ref, url=f"http://bank/{ref}")

    def find(self, attempt: str) -> str | None:
        return self._of_attempt.get(attempt)

    def expire(self, ref: str) -> Fact:
        account = self.accounts[ref]
        if account.state == "open":
            account.state = "expired"
            self._tell(ref, self.fact_of(ref))
        return self.fact_of(ref)

    def look(self, ref: str) -> list[Fact]:
        """Say how a session is, then any other of its attempt, with their returns."""
        attempt = self.accounts[ref].attempt
        others = [one.ref for one in self.accounts.values() if one.attempt == attempt]
        facts: list[Fact] = []
        for name in sorted(others, key=lambda one: one != ref):
            returns = [one for one in self.returns.values() if one.session == name]
            said = [self._said_of(one) for one in returns]
            facts += [self.fact_of(name), *(one for one in said if one is not None)]
            facts += [self._said_of_doubt(one) for one in self.doubts_of(name)]
        return facts

    def refund(self, ask: RefundAsk) -> Fact | None:
        """Give money back, for each name once, and never more than there is."""
        known = self.returns.get(ask.refund)
        if known is not None:
            if (known.amount, known.session) != (ask.amount, ask.ref):
                self.world.violate(f"{ask.refund} was asked for as something else")
            return self._said_of(known)
        made = Return(self._ref("re"), ask.ref, ask.refund, ask.amount, ask.currency)
        self.returns[ask.refund] = made
        if ask.reason == "given_back":
            check_seats_gone(self.world, ask)
        self._check_left(made)
        chance = self.random.random()
        if made.state == "failed":
            # It is answered, and no message tells of it.
            said = self._said_of(made)
            assert said is not None
            order = self.accounts[ask.ref].attempt.order
            self.told.setdefault(order, []).append(said)
        elif chance < 0.6:
            made.state = "settled"
            self._tell(ask.ref, self._said_of(made))
        else:
            self._later(self.random.random() * 6, made, "settled")
        if made.state != "failed" and self.random.random() < self.refund_fails:
            self._later(6.5 + self.random.random() * 4, made, "failed")
        return self._said_of(made)

    def _check_left(self, made: Return) -> None:
        """Let a return fail for which there is not money enough: M3.

        So does any while the payment is disputed.
        """
        account, doubts = self.accounts[made.session], self.doubts_of(made.session)
        mine = [one for one in self.returns.values() if one.session == made.session]
        asked = sum(one.amount for one in mine if one.state != "failed")
        if made.currency != account.currency:
            self.world.violate(f"{made.ref} is in {made.currency}")
        if any(one.state == "open" for one in doubts):
            made.state = "failed"
        elif asked > account.captured - sum(one.takes for one in doubts):
            made.state = "failed"
            if asked > account.captured and all(one.refund is not None for one in mine):
                self.world.violate(
                    f"{made.refund} returns {asked} of {account.captured} in all"
                )

    def _later(self, delay_s: float, made: Return, state: str) -> None:
        self.coming.append(f"{made.ref} {state}")

        def change() -> None:
            self.coming.remove(f"{made.ref} {state}")
            if made.state != "failed":
                made.state = state
                self._tell(made.session, self._said_of(made))

        self.world.scheduler.call_later(delay_s, change)

    # What people do.

    def pay(self, ref: str, amount: int, currency: str | None = None) -> None:
        """Capture money, however late, once."""
        account = self.accounts[ref]
        if account.state != "captured":
            account.state = "captured"
            account.captured = amount
            account.currency = currency or account.attempt.currency
            self._tell(ref, self.fact_of(ref))

    def pay_more(self, ref: str) -> None:
        """Take the money of one attempt a second time, by mistake of the bank's."""
        account = self.accounts[ref]
        again = self._ref("cs")
        self.accounts[again] = Account(again, account.attempt)
        self.pay(again, account.attempt.amount)

    def pay_later(self, delay_s: float, ref: str, amount: int) -> None:
        """Capture money in a while, whatever became of the session."""
        self.coming.append(ref)

        def pay() -> None:
            self.coming.remove(ref)
            self.pay(ref, amount)

        self.world.scheduler.call_later(delay_s, pay)

    def move(self, ref: str, state: str) -> None:
        """Let an open session be `failed` or `processing`."""
        account = self.accounts[ref]
        if account.state == "open":
            account.state = state
            self._tell(ref, self.fact_of(ref))

    def refund_outside(self, ref: str, share: float) -> None:
        """Give money back that nobody here asked to give."""
        account = self.accounts[ref]
        amount = int(self._left_of(account) * share)
        if amount > 0:
            made = Return(self._ref("re"), ref, None, amount, account.currency)
            made.state = "settled"
            self.returns[made.ref] = made
            self._tell(ref, self._said_of(made))

    def doubt_later(
        self, delay_s: float, number: int, share: float, wins: bool
    ) -> None:
        """Let some of what somebody paid be disputed in a while, and decided soon."""
        name = f"doubt {self._ref('d')}"
        self.coming.append(name)

        def doubt() -> None:
            self.coming.remove(name)
            paid = [one for one in self.accounts.values() if self._left_of(one) > 1]
            if not paid:
                return
            account = paid[number % len(paid)]
            amount = int(self._left_of(account) * share) or 1
            made = Doubt(self._ref("du"), account.ref, amount, account.currency)
            self.doubts[made.ref] = made
            self._tell(account.ref, self._said_of_doubt(made))
            self.coming.append(made.ref)
            self.world.scheduler.call_later(delay_s / 4, decide, made)

        def decide(made: Doubt) -> None:
            self.coming.remove(made.ref)
            made.state = "won" if wins else "lost"
            self._tell(made.session, self._said_of_doubt(made))

        self.world.scheduler.call_later(delay_s, doubt)

    def doubts_of(self, ref: str) -> list[Doubt]:
        """Return the disputes of a session, the oldest first."""
        return [one for one in self.doubts.values() if one.session == ref]

    def _left_of(self, account: Account) -> int:
        """Return what nobody has asked back of what was captured."""
        mine = [one for one in self.returns.values() if one.session == account.ref]
        back = sum(one.amount for one in mine if one.state != "failed")
        doubted = sum(one.takes for one in self.doubts_of(account.ref))
        return account.captured - back - doubted

    # What we are told.

    def fact_of(self, ref: str) -> Fact:
        """Return what there is to say of a session now."""
        account = self.accounts[ref]
        said: dict[str, Any] = {
            "ref": ref,
            "attempt": account.attempt.attempt,
            "at_ms": self._now_ms(),
        }
        if account.state == "captured":
            return Captured(**said, amount=account.captured, currency=account.currency)
        kinds: dict[str, Any] = {"open": Opened, "expired": Expired, "failed": Failed}
        made: Fact = kinds.get(account.state, Processing)(**said)
        return made

    def _said_of(self, one: Return) -> Fact | None:
        if one.state == "pending":
            return None
        made = RefundSettled if one.state == "settled" else RefundFailed
        return made(
            ref=one.session,
            at_ms=self._now_ms(),
            refund=one.refund,
            refund_ref=one.ref,
            amount=one.amount,
            currency=one.currency,
        )

    def _said_of_doubt(self, one: Doubt) -> Disputed:
        return Disputed(
            ref=one.session,
            at_ms=self._now_ms(),
            dispute_ref=one.ref,
            state=one.state,
            amount=one.amount,
            currency=one.currency,
            reason="fraudulent",
        )

    def _tell(self, ref: str, fact: Fact | None) -> None:
        """Tell of something: never, once, twice; soon or late, and so out of order."""
        assert fact is not None
        fact = msgspec.structs.replace(fact, event_ref=self._ref("evt"))
        self.told.setdefault(self.accounts[ref].attempt.order, []).append(fact)
        chance = self.random.random
        if chance() < self.loses:
            return
        body = _encode([fact])
        self._send(body, fact.event_ref, TRIES_MAX, chance() * self.lags_s)
        if chance() < 0.3:
            self.world.scheduler.call_later(
                2 * chance() * self.lags_s, self._arrive, body, fact.event_ref, "good"
            )
        if chance() < 0.1:
            forged = msgspec.structs.replace(fact, event_ref=self._ref("evt"))
            if isinstance(forged, Captured):
                forged = msgspec.structs.replace(forged, amount=forged.amount + 1)
            mac = "bad" if chance() < 0.5 else "old"
            self._arrive(_encode([forged]), forged.event_ref, mac)

    def _send(self, body: bytes, name: str, left: int, delay_s: float) -> None:
        """Send it, and once more where nobody says yes, so often at most."""

        def send() -> None:
            if name in self.acknowledged:
                return
            self._arrive(body, name, "good")
            if left > 1:
                self._send(body, name, left - 1, 1.0 * 3 ** (TRIES_MAX - left))

        self.world.scheduler.call_later(delay_s, send)

    def _arrive(self, body: bytes, name: str, mac: str) -> None:
        serving = [one for one in self.world.slots if one.serves]
        if serving:
            process = self.random.choice(serving)
            process.do(lambda: process.shop.hear(name, {"mac": mac}, body))


class BankLine:
    """Implements `PaymentProvider` for one process."""

    name = NAME

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    async def _ask(self, work: Callable[[], Any]) -> Any:
        bank = self._bank
        await asyncio.sleep(0.05 * bank.random.random())
        chance = bank.random.random()
        if bank.world.scheduler.now < bank.down_until or chance < bank.fails:
            raise ProviderUnavailable("the bank does not answer")
        result = work()
        await asyncio.sleep(0.05 * bank.random.random())
        if chance > 1 - bank.fails:
            raise ProviderUnavailable("the bank's answer is lost")
        return result

    async def open(self, attempt: Attempt, urls: Urls) -> Session:
        session: Session = await self._ask(lambda: self._bank.open(attempt))
        return session

    async def expire(self, ref: str) -> Fact:
        fact: Fact = await self._ask(lambda: self._bank.expire(ref))
        return fact

    async def refund(self, ask: RefundAsk) -> Fact | None:
        fact: Fact | None = await self._ask(lambda: self._bank.refund(ask))
        return fact

    async def look(self, ref: str) -> list[Fact]:
        found: list[Fact] = await self._ask(lambda: self._bank.look(ref))
        return found

    async def find(self, attempt: str) -> str | None:
        ref: str | None = await self._ask(lambda: self._bank.find(attempt))
        return ref

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Fact]:
        if headers["mac"] == "bad":
            raise Forged
        if headers["mac"] == "old":
            raise Stale
        return _decode(body)

    async def trace(self, facts: list[Fact]) -> list[Fact]:
        return facts

    def refuses(self, price: Money) -> str | None:
        return None

    async def close(self) -> None:
        """Give up nothing: there are no connections."""
