"""One event with a line, its clock, and what the actor does of itself, in memory.

Each command is a batch of its own, decided by the actor's `Drain`; only the journal is
a list. After each batch the slow twin (`tests/naive_line.py`) judges what happened.
"""

from collections import deque
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from msgspec import msgpack

from inventory.batch import BatchBuilder
from inventory.changes import AnyChange, EntrantsFixed, LineDrawn
from inventory.commands import (
    AnyCommand,
    Book,
    Cancel,
    DrawLine,
    ExpireHold,
    FeedLine,
    FixEntrants,
    GiveTurn,
    Hold,
    HoldBest,
    OpenLine,
    Release,
)
from inventory.drain import Drain
from inventory.keys import KeyMemory
from inventory.line import draw
from inventory.line.line import Line
from inventory.line.wishes import Wish
from inventory.ports import Envelope
from inventory.replies import HoldOk, Refused, Reply
from inventory.rules import sale
from inventory.rules.line_after import line_due
from inventory.settings import LineSettings, Settings
from inventory.snapshot import decode_snapshot, encode_snapshot
from inventory.state import Stock
from inventory.venue.map import Venue
from tests.naive_line import NaiveLine
from tests.scenario import EVENT, NOW_MS, ORGANIZER, SequentialIds, settings_of

SEED: Final = bytes(range(32))
SYSTEM: Final = "system"
ALIVE: Final = "wapu"


class Still:
    """A clock that stands unless it is told to go on, by `step_s` at each look."""

    def __init__(self) -> None:
        self.at_s = 0.0
        self.step_s = 0.0

    def monotonic(self) -> float:
        self.at_s += self.step_s
        return self.at_s

    def now_ms(self) -> int:
        raise AssertionError("the scene has the time")


class LineScene:
    """An event on sale; `mode` is what its line is, or will be, opened as."""

    def __init__(
        self,
        venue: Venue,
        mode: str = "fifo",
        *,
        terms: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        given: dict[str, Any] = {"mode": mode, "wish_floor": 0, **(terms or {})}
        line = LineSettings(**given)
        self.venue = venue
        self.settings: Settings = settings_of(
            **{"hold_ttl_s": 600, "line": line, **settings}
        )
        self.stock = Stock(venue, self.settings)
        self.twin = NaiveLine(venue, self.settings)
        self.now_ms = NOW_MS
        self.ids = SequentialIds()
        self.clock = Still()
        self.drain = Drain(EVENT, self.clock, self.ids)
        self.keys = KeyMemory(complete=True)
        self.mailbox: deque[Envelope] = deque()
        self.journal: list[tuple[AnyChange, int]] = []
        self.last: list[AnyChange] = []
        """What happened in the last batch."""
        self._batch: BatchBuilder | None = None

    @property
    def line(self) -> Line:
        assert self.stock.line is not None
        return self.stock.line

    @property
    def fixed(self) -> EntrantsFixed:
        assert self.line.fixed is not None
        return self.line.fixed

    @property
    def drawn(self) -> LineDrawn:
        assert self.line.drawn is not None
        return self.line.drawn

    @property
    def batch(self) -> BatchBuilder:
        """The last batch."""
        assert self._batch is not None
        return self._batch

    # -- Asking

    def send(
        self, user: str, command: AnyCommand, key: str | None = None
    ) -> list[Reply]:
        """Put a command into the mailbox; the list gets its reply."""
        replies: list[Reply] = []
        self.mailbox.append(
            Envelope(
                command,
                user,
                user == ORGANIZER,
                lambda _, reply: replies.append(reply),
                key,
                b"" if key is None else sha256(msgpack.encode(command)).digest(),
                system=user == SYSTEM,
            )
        )
        return replies

    def turn(self) -> list[AnyChange]:
        """Do one batch, as the actor does."""
        stock = self.stock
        builder = self._batch = BatchBuilder(stock)
        self.drain.begin()
        before, version = stock.hash(), stock.version
        self.drain.due(builder, self._due(), self.now_ms)
        self.drain.mailbox(
            builder, self.mailbox, self.keys, self.now_ms, len(self.mailbox)
        )
        for envelope, reply in builder.prepared:
            envelope.reply(envelope, reply)
        self.last = builder.changes
        assert stock.version == version + len(self.last)
        assert self.last or stock.hash() == before, "deciding changed something"
        self.twin.now_ms = self.now_ms
        for change in self.last:
            self.journal.append((change, self.now_ms))
            self.twin.judge(change)
        stock.touched_seats.clear()
        stock.touched_areas.clear()
        stock.check()
        self.twin.compare(stock, owed=self.drain.owed)
        return self.last

    def ask(self, user: str, command: AnyCommand, key: str | None = None) -> Reply:
        """Return the reply to a command that is alone in its batch."""
        replies = self.send(user, command, key)
        for _ in range(1_000):
            if replies:
                break
            self.turn()
        return replies[0]

    def ok(self, user: str, command: AnyCommand) -> Reply:
        reply = self.ask(user, command)
        assert not isinstance(reply, Refused), reply
        return reply

    def code(self, user: str, command: AnyCommand) -> str:
        return code_of(self.ask(user, command))

    def make(self, kind: type[Any], **fields: Any) -> Any:
        return kind(id=1, event=EVENT, **fields)

    def tick(self, seconds: float) -> None:
        """Let time pass, and do what is due by then until nothing is."""
        self.now_ms += round(1_000 * seconds)
        for _ in range(10_000):
            if not self.turn() and not self.drain.owed:
                return
        raise AssertionError("it comes to no end")

    def _due(self) -> list[AnyCommand]:
        stock, now_ms = self.stock, self.now_ms
        found: list[AnyCommand] = [
            self.make(ExpireHold, hold=one) for one in stock.due_holds(now_ms, 1_000)
        ]
        for at_ms, step in sale.steps(stock.settings):
            if at_ms <= now_ms:
                found.append(self.make(step))
        if stock.line is not None:
            found += line_due(stock, stock.line, EVENT, now_ms)
        return found

    # -- The line

    def rules(self, number: int = 1, **others: Any) -> draw.Rules:
        terms = self.stock.settings.line
        assert terms is not None
        drawn, listed = terms.mode == "draw", terms.mode == "list"
        fields: dict[str, Any] = {
            "beacon": None,
            "beacon_wait_s": 60,
            "closes_at_ms": self.now_ms + 60_000 if drawn else None,
            "draw": number,
            "event": EVENT,
            "fix_within_s": 6,
            "mode": terms.mode,
            "offer_s": terms.offer_s,
            "opens_at_ms": None if listed else self.now_ms + 60_000 * drawn,
            "round": None,
            "serve_away": terms.serve_away,
            "turn_s": terms.turn_s,
            "without_beacon": "seed_only",
        }
        return draw.Rules(**{**fields, **others})

    def opening(self, number: int = 1, **others: Any) -> OpenLine:
        rules = self.rules(number, **others)
        rules_hash = draw.rules_hash_of(rules)
        command: OpenLine = self.make(
            OpenLine,
            draw=number,
            rules=draw.text_of(rules).decode(),
            commitment=draw.commitment_of(SEED, rules_hash),
            seed=None if rules.mode == "draw" else SEED,
        )
        return command

    def open(self, number: int = 1, **others: Any) -> None:
        self.ok(SYSTEM, self.opening(number, **others))

    def gather(self, waiting: Sequence[tuple[str, Wish | None]]) -> None:
        """Close the list of a draw with these, draw it, and feed it."""
        stubs = [stub_of(user) for user, _ in waiting]
        self.now_ms = max(self.now_ms, self.line.rules.closes_at_ms or 0)
        number = self.line.opened.draw
        self.ok(
            SYSTEM,
            self.make(
                FixEntrants,
                draw=number,
                entries=len(stubs),
                root=draw.entrants_root(stubs),
                closed_at_ms=self.now_ms,
            ),
        )
        key = draw.key_of(
            SEED, self.fixed.root, draw.NO_RANDOMNESS, self.line.opened.rules_hash
        )
        ordered = draw.order_of(key, stubs)
        self.ok(
            SYSTEM,
            self.make(
                DrawLine,
                draw=number,
                seed=SEED,
                line_hash=draw.line_hash_of(ordered),
            ),
        )
        by_stub = dict(zip(stubs, waiting, strict=True))
        if ordered:
            self.feed([by_stub[stub] for stub in ordered], step=None)

    def joined(
        self, waiting: Sequence[tuple[str, Wish | None]], name: str = ""
    ) -> list[tuple[str, Wish | None]]:
        """Return who joins late in one step, in the order that this step has."""
        by_stub = {stub_of(user + name): (user, wish) for user, wish in waiting}
        ordered = draw.late_order_of(self.drawn.key, by_stub)
        return [by_stub[stub] for stub in ordered]

    def feeding(
        self,
        places: Sequence[tuple[str, Wish | None]],
        step: int | None = 0,
        name: str = "",
        **others: Any,
    ) -> FeedLine:
        """Return the command that feeds places as they stand; step 0 is the next."""
        wishes = list(dict.fromkeys(wish for _, wish in places if wish is not None))
        numbers = [0 if wish is None else wishes.index(wish) + 1 for _, wish in places]
        fields: dict[str, Any] = {
            "draw": self.line.opened.draw,
            "first_rank": self.line.fed + 1,
            "users": [user for user, _ in places],
            "stubs": b"".join(stub_of(user + name) for user, _ in places),
            "classes": b"".join(one.to_bytes(2, "big") for one in numbers),
            "wishes": wishes,
            "step": self.line.step + 1 if step == 0 else step,
        }
        command: FeedLine = self.make(FeedLine, **{**fields, **others})
        return command

    def feed(
        self,
        places: Sequence[tuple[str, Wish | None]],
        step: int | None = 0,
        name: str = "",
        **others: Any,
    ) -> None:
        self.ok(SYSTEM, self.feeding(places, step, name, **others))

    def join(self, user: str, wish: Wish | None = None, name: str = "") -> int:
        """Let somebody join late, alone in a step; return the rank."""
        self.feed([(user, wish)], name=name)
        return self.line.fed

    def give(self, because: str = "line") -> bool:
        """Give the next turn, as the conductor does."""
        return self.code(SYSTEM, self.make(GiveTurn, because=because)) == "ok"

    def states(self) -> str:
        """Return the states of all ranks."""
        return self.line.states.decode()

    def held_by(self, user: str) -> list[str]:
        """Return the labels that somebody holds."""
        record = self.stock.users.get(user)
        tokens = [] if record is None else list(record.holds)
        labels = self.venue.labels
        return [labels[seat] for one in tokens for seat in self.stock.holds[one].seats]

    def hold_of(self, user: str) -> str:
        """Return the only hold of somebody."""
        (token,) = self.stock.users[user].holds
        return token

    # -- What buyers do

    def take(self, user: str, *seats: str) -> str:
        """Hold seats; return the hold, or why not."""
        reply = self.ask(user, self.make(Hold, seats=list(seats)))
        if isinstance(reply, Refused):
            return reply.code
        assert isinstance(reply, HoldOk)
        return reply.hold

    def best(self, user: str, quantity: int, **fields: Any) -> str:
        return self.code(user, self.make(HoldBest, quantity=quantity, **fields))

    def book(self, user: str) -> str:
        """Book the only hold of somebody; return the booking."""
        self.ok(user, self.make(Book, hold=self.hold_of(user)))
        return next(reversed(self.stock.users[user].bookings))

    def release(self, user: str) -> None:
        self.ok(user, self.make(Release, hold=self.hold_of(user)))

    def cancel(self, user: str, booking: str) -> None:
        self.ok(user, self.make(Cancel, booking=booking))

    # -- The same again

    def replayed(self) -> Stock:
        """Return the state that the journal gives, through its encoded form."""
        stock = Stock(self.venue, self.settings)
        for change, at_ms in self.journal:
            encoded = msgpack.encode(change)
            stock.apply(msgpack.decode(encoded, type=AnyChange), at_ms)
        return stock

    def check_replay(self) -> None:
        """Fail unless journal and snapshot give the same state."""
        digest = self.stock.hash()
        replayed = self.replayed()
        replayed.check()
        assert replayed.hash() == digest
        read = decode_snapshot(encode_snapshot(self.stock), self.venue)
        read.check()
        assert read.hash() == digest


def code_of(reply: Reply) -> str:
    """Return the code of a refusal, and `ok` for what was accepted."""
    return reply.code if isinstance(reply, Refused) else "ok"


def stub_of(user: str) -> bytes:
    """Return a stub for a place of somebody."""
    return sha256(b"entry of " + user.encode()).digest()[: draw.STUB_BYTES]
