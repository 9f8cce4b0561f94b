"""What becomes of an order: its state, one thing that it hears of, its next state.

Pure: no clock, no chance, nothing is asked. The same facts in any order and with
repeats come to the same end, because attempts and refunds only climb
(`server.shop.orders.attempts`). What an order wishes follows from its state alone, so
that whoever takes it up after a death goes on where it stood; all that is wished is
asked for under a key, and may be asked again.
"""

from typing import Final

from msgspec.structs import replace

from inventory.limits import PAY_MARGIN_S
from persistence.shop.orders.records import (
    OrderState,
    Payment,
    Refund,
    RefundReason,
    Step,
)
from server.shop.orders import attempts, disputes
from server.shop.orders.facts import (
    Book,
    BookAgain,
    Booked,
    EventCancelled,
    EventOver,
    Expire,
    FreeSeats,
    GiveBack,
    GiveMoney,
    Goodwill,
    Heard,
    Leave,
    Look,
    NoSession,
    NotBooked,
    Notify,
    NotPledged,
    Open,
    Outcome,
    PayAgain,
    Pledge,
    Pledged,
    Posting,
    RefundAgain,
    RefundByHand,
    RefundSent,
    SeatsFreed,
    SessionOpen,
    Tick,
    Unpledge,
    Unpledged,
    Wish,
)
from server.shop.orders.giving import rules as giving
from server.shop.orders.giving.rules import CLOSED
from server.shop.payments.provider import (
    Captured,
    Disputed,
    Expired,
    Failed,
    Opened,
    Processing,
    RefundFailed,
    RefundSettled,
)

LEASE_MS: Final = 30_000
"""Who drives an order has it alone for so long; then anybody may."""

LOOK_MS: Final = 60_000
"""So old is an attempt or a refund when the provider is first asked what became of it:
of most a webhook tells before."""

LOOKS_APART_MAX: Final = 10
"""Each wait is twice the one before, up to so many times the first. With 15 minutes to
pay an attempt is looked at three times, and ended once."""

CLOSING_MS: Final = 5_000
"""So often it is tried to end the attempts of an order that closes."""

RESTS: Final = frozenset(
    {
        "booked",
        "completed",
        "refused",
        "expired",
        "left",
        "lost",
        "given_back",
        "event_cancelled",
    }
)
"""Steps at which nothing is asked of the event."""

CHANGED: Final = "price_changed"

GONE: Final = frozenset({"hold_not_found", "hold_expired"})


def step(order: OrderState, heard: Heard, now_ms: int) -> Outcome:
    """Return what an order is after it heard of something, at this time."""
    case = _Case(order, now_ms)
    refused = case.hear(heard)
    if refused is not None:
        return Outcome(order, (), (), wake_ms(order, now_ms), refused)
    case.go_on()
    after = attempts.summed(case.order)
    wishes = wishes_of(after, now_ms)
    if case.undo:
        wishes = (*wishes, Unpledge(release=True))
    if _shown(after) != _shown(order):
        wishes = (*wishes, Notify())
    return Outcome(
        after, tuple(case.postings), wishes, wake_ms(after, now_ms), None, case.alarm
    )


def wishes_of(order: OrderState, now_ms: int) -> tuple[Wish, ...]:
    """Return what an order in this state wants done, by whoever drives it."""
    wishes = [*_of_step(order, now_ms)]
    parts = sorted({one.back for one in order.lines if one.state == "leaving"})
    wishes += [FreeSeats(part) for part in parts]
    for refund in order.refunds:
        if refund.state == "requested" and not _waits(order, refund):
            wishes.append(GiveMoney(refund.refund))
        elif refund.state == "sent":
            wishes.append(Look(refund.payment))
    return tuple(dict.fromkeys(wishes))


def _of_step(order: OrderState, now_ms: int) -> list[Wish]:
    """Return what an order wants done to come to its next step."""
    pending = attempts.pending(order)
    match order.step:
        case "new" | "pledging":
            return [Pledge(order.rules.until_s)]
        case "priced" | "paying":
            return [_asking(one) for one in pending if _is_due(one, now_ms)]
        case "closing":
            wishes = [_ending(one) for one in pending]
            if not pending or now_ms >= _pledged_until(order):
                wishes.append(Unpledge(release=order.why != CHANGED))
            return wishes
        case "paid":
            return [Book()]
        case "late":
            return [BookAgain()]
        case _:
            return [_ending(one) for one in pending]


def wake_ms(order: OrderState, now_ms: int) -> int | None:
    """Return when an order is to be looked at though it heard of nothing."""
    times: list[int] = []
    pending = attempts.pending(order)
    if order.step in ("priced", "paying"):
        times.append(max(now_ms, order.pay_until_ms or now_ms))
        if any(one.state == "created" for one in pending):
            times.append(now_ms + LEASE_MS)
        times += [next_look_ms(one.at_ms, now_ms) for one in pending]
    elif order.step == "closing":
        times.append(now_ms + CLOSING_MS)
    elif order.step not in RESTS:
        times.append(now_ms + LEASE_MS)
    else:
        times += [next_look_ms(one.at_ms, now_ms) for one in pending]
    if any(line.state == "leaving" for line in order.lines):
        times.append(now_ms + LEASE_MS)
    times += [
        next_look_ms(one.at_ms, now_ms)
        for one in order.refunds
        if one.state in ("requested", "sent")
    ]
    return min(times, default=None)


def next_look_ms(at_ms: int, now_ms: int) -> int:
    """Return when to ask next of an attempt or a refund that was made at a time.

    It follows from the two times alone: nobody need note how often it was asked.
    """
    wait_ms, most_ms = LOOK_MS, LOOKS_APART_MAX * LOOK_MS
    look_ms = at_ms + wait_ms
    while look_ms <= now_ms and wait_ms < most_ms:
        wait_ms = min(2 * wait_ms, most_ms)
        look_ms += wait_ms
    if look_ms <= now_ms:
        look_ms += ((now_ms - look_ms) // most_ms + 1) * most_ms
    return look_ms


def _ending(payment: Payment) -> Wish:
    """Return what ends an attempt; one that is being processed only ends by itself."""
    if payment.state == "processing":
        return Look(payment.payment)
    return Expire(payment.payment)


def _asking(payment: Payment) -> Wish:
    """Return what tells more of an attempt."""
    if payment.state == "created":
        return Open(payment.payment)
    return Look(payment.payment)


def _is_due(payment: Payment, now_ms: int) -> bool:
    """Return whether to ask: of an open one its webhook tells, unless that is lost."""
    return payment.state == "created" or now_ms - payment.at_ms >= LOOK_MS


def _pledged_until(order: OrderState) -> int:
    """Return until when the order has its hold."""
    return (order.pay_until_ms or 0) + PAY_MARGIN_S * 1_000


def _waits(order: OrderState, refund: Refund) -> bool:
    """Return whether money waits for its seats: these go first."""
    return refund.reason == "given_back" and any(
        one.state == "leaving" and one.line in refund.lines for one in order.lines
    )


def _shown(order: OrderState) -> tuple[object, ...]:
    """Return what its buyer's pages show of an order."""
    gone = sum(one.state == "gone" for one in order.lines)
    return order.status, order.returned, order.due, order.pay_until_ms, gone


class _Case:
    """One order while it hears of one thing."""

    def __init__(self, order: OrderState, now_ms: int) -> None:
        self.order = order
        self.now_ms = now_ms
        self.postings: list[Posting] = []
        self.alarm: str | None = None
        self.undo = False
        """Whether a hold was given to an order that has ended."""

    def hear(self, heard: Heard) -> str | None:
        """Take in one thing; a code where whoever asked is refused."""
        if isinstance(heard, PayAgain | Leave | EventOver):
            return self._asked(heard)
        if isinstance(
            heard, GiveBack | Goodwill | RefundAgain | RefundByHand | EventCancelled
        ):
            told = giving.asked_to(self.order, heard, self.now_ms)
            if isinstance(told, str):
                return told
            self._take(told)
            return None
        if isinstance(heard, Captured | Expired | Failed | Opened | Processing):
            self._take(attempts.heard_of_attempt(self.order, heard))
        elif isinstance(heard, SessionOpen | NoSession):
            self._take(attempts.heard_of_session(self.order, heard))
        elif isinstance(heard, RefundSettled | RefundFailed | RefundSent):
            self._take(attempts.heard_of_refund(self.order, heard, self.now_ms))
        elif isinstance(heard, Disputed):
            self._take(disputes.heard_of_dispute(self.order, heard))
        elif not isinstance(heard, Tick):
            self._replied(heard)
        return None

    def go_on(self) -> None:
        """Move on as far as what is known now allows."""
        if self.order.step == "new":
            self._set("pledging")
        self._take(attempts.given_up(self.order, self.now_ms))
        self._take(disputes.taken(self.order, self.now_ms))
        self._judge_money()
        order = self.order
        if order.accepted is not None and order.step in ("priced", "paying", "closing"):
            self._set("paid")
        elif order.accepted is not None and order.step == "expired":
            self._late()
        elif order.accepted is not None and order.step in ("left", "refused"):
            self._set("lost")
            self._return_all("lost")
        elif order.step in ("priced", "paying"):
            over = self.now_ms >= (order.pay_until_ms or 0)
            if over or order.leaving:
                self._set("closing")
            else:
                states = {one.state for one in order.payments}
                paying = bool(states & {"open", "processing"})
                self._set("paying" if paying else "priced")

    def _replied(
        self,
        reply: Pledged | NotPledged | Booked | NotBooked | Unpledged | SeatsFreed,
    ) -> None:
        """Take in what the event replied."""
        match reply:
            case Pledged():
                self._pledged(reply)
            case NotPledged(code):
                if self.order.step in ("new", "pledging"):
                    self._set("refused", why=code)
            case Booked(booking):
                self._booked(booking)
            case NotBooked(code, again):
                if self.order.step == ("late" if again else "paid"):
                    self._not_booked(code)
            case Unpledged():
                self._unpledged()
            case SeatsFreed(back):
                self._take(giving.freed(self.order, back))

    def _set(self, to: Step, why: str | None = None) -> None:
        self.order = replace(self.order, step=to, why=why or self.order.why)

    def _take(self, told: attempts.Told) -> None:
        self.order = told.order
        self.postings += told.postings
        self.alarm = told.alarm or self.alarm

    def _pledged(self, heard: Pledged) -> None:
        """Copy what the event said, once; what has ended gives the hold back."""
        order = self.order
        if order.step not in ("new", "pledging"):
            self.undo = order.step in RESTS and order.booking is None
            return
        self.order = order = replace(
            order,
            step="priced",
            lines=heard.lines,
            currency=heard.currency,
            total=heard.total,
            pay_until_ms=heard.pay_until_ms,
        )
        if order.seen_total not in (None, order.total):
            # Its buyer keeps the hold, and decides anew.
            self.order = replace(order, step="closing", why=CHANGED)
        elif order.leaving:
            self._set("closing")
        elif order.total and order.rules.pays:
            self.order = attempts.with_attempt(order, self.now_ms)
        else:
            self._set("paid")

    def _unpledged(self) -> None:
        if self.order.step == "closing":
            if self.order.why == CHANGED:
                self._set("refused")
            else:
                self._set("left" if self.order.leaving else "expired")

    def _booked(self, booking: str) -> None:
        order = self.order
        if order.booking is not None:
            return
        if order.step in ("paid", "late"):
            self.order = replace(order, booking=booking, step="booked")
            self._post_confirmed()
            return
        # It was given up meanwhile, by another who drove it: so is this.
        lines = tuple(replace(one, state="leaving") for one in order.lines)
        self.order = replace(order, booking=booking, lines=lines)

    def _not_booked(self, code: str) -> None:
        """Go another way where the event does not book what is paid."""
        order = self.order
        paid = order.accepted is not None
        if code == "sale_closed":
            self._set("event_cancelled", why=code)
            self._return_all("event_cancelled")
        elif not paid:
            self._set("expired" if code in GONE else "refused", why=code)
        elif order.step == "paid" and code in GONE:
            self._late()
        else:
            self._set("lost", why=code)
            self._return_all("lost")

    def _late(self) -> None:
        """Money came after the seats had gone back."""
        if self.order.rules.late == "same":
            self._set("late")
        else:
            self._set("lost")
            self._return_all("lost")

    def _judge_money(self) -> None:
        """Say of each captured attempt, once, what its money is for."""
        for payment in self.order.payments:
            if payment.state == "captured" and payment.use is None:
                self._take(attempts.judged(self.order, payment, self.now_ms))

    def _return_all(self, reason: RefundReason) -> None:
        self.order = attempts.returning(self.order, reason, self.now_ms)

    def _asked(self, asked: PayAgain | Leave | EventOver) -> str | None:
        order = self.order
        match asked:
            case PayAgain(asked_as):
                return self._pay_again(asked_as)
            case Leave():
                if order.step in ("new", "pledging", "priced", "paying", "closing"):
                    self.order = replace(order, leaving=True)
                elif not self._is_left():
                    return CLOSED
            case EventOver():
                leaving = any(one.state == "leaving" for one in order.lines)
                if order.step == "booked" and not leaving:
                    self._set("completed")
        return None

    def _pay_again(self, asked: str | None) -> str | None:
        order = self.order
        if asked is not None and any(one.asked == asked for one in order.payments):
            return None
        payable = order.step in ("priced", "paying") and not self._is_over()
        if not payable or attempts.pending(order):
            return CLOSED
        self.order = attempts.with_attempt(order, self.now_ms, asked)
        return None

    def _is_left(self) -> bool:
        """Return whether it ended as its buyer asked, whose answer may be lost."""
        order = self.order
        gone = order.step == "given_back" or (order.step == "lost" and order.leaving)
        return gone or order.status == "cancelled"

    def _is_over(self) -> bool:
        return self.now_ms >= (self.order.pay_until_ms or 0)

    def _post_confirmed(self) -> None:
        order, amount = self.order, sum(line.gross for line in self.order.lines)
        if order.currency is not None and amount:
            self.postings.append(
                Posting(
                    kind="confirm",
                    about=order.order,
                    amount=amount,
                    currency=order.currency,
                    lines=order.lines,
                )
            )
