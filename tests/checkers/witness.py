"""The witness checker: every answer against the journal, replayed once.

Each answer carries the version that it observed. The journal gives the state at each
version, the rules say what had to be answered there, and the history says in what order
calls and returns were. An answer that fits its version, with versions that rise in real
time, is linearizable: this is a proof as long as the versions are honest, and
`linearizability` does not even believe those.

An unknown outcome may have happened once or never. What the journal has and no answer
claims must be the effect of such a command, each of at most one.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

from msgspec import UNSET, MsgspecError

from inventory import commands as c
from inventory.batch import chained
from inventory.changes import (
    AnyChange,
    HoldBooked,
    HoldExpired,
    HoldsKept,
    SaleChanged,
    SeatsHeld,
)
from inventory.decide import decide
from inventory.loading import decode_changes
from inventory.ports import JournalRow, KeyedResult
from inventory.records import Corrupt
from inventory.replies import HoldingOk, Refused
from inventory.rules.common import Request
from inventory.settings import Settings
from inventory.state import Stock
from inventory.venue.map import Venue
from tests.checkers.answers import (
    Effect,
    Ids,
    same,
    same_answer,
    same_holding,
    same_later,
    same_refusal,
    target_of_change,
    target_of_command,
)
from tests.checkers.history import NEVER, History, Operation
from tests.checkers.of_line import IN_TURN, OF_LINE
from tests.checkers.refusals import lists_taken, openings

SHELL_CODES = frozenset(
    {
        "unauthenticated",
        "forbidden",
        "event_not_found",
        "overloaded",
        "unavailable",
        "key_reused",
    }
)
"""Refusals that may come without a version: they say nothing about the stock."""

_STEPS: Final[dict[str, type[c.OpenSale | c.CloseSale | c.CompleteEvent]]] = {
    "on_sale": c.OpenSale,
    "closed": c.CloseSale,
    "completed": c.CompleteEvent,
}
"""What an event does to its sale by itself, by what becomes of it."""

_TIMED: Final = (c.Extend, c.Cancel, c.Pledge, c.OpenLine)
"""Commands that time alone makes too late."""

FOREVER_MS = 10**12
EXACT_EVERY = 16
"""Of how many refusals of taken seats one has its alternatives searched again."""


def check(
    history: History,
    journal_rows: Iterable[JournalRow],
    venue: Venue,
    first_settings: Settings,
    *,
    results: Iterable[KeyedResult] | None = None,
    event: str | None = None,
    origin_ms: int | None = None,
    skew_ms: int = 0,
) -> list[str]:
    """Return what cannot be, in sentences; nothing for a history that is right.

    With `results`, the stored outcomes, the fate of each keyed command is known.
    `origin_ms` is the event's time at second 0 of the history, give or take `skew_ms`;
    without it, refusals that depend on the time are held only to the journal's. The
    `event` is what the commands say, unless they say nothing.
    """
    if event is None and history.operations:
        event = history.operations[0].command.event
    witness = _Witness(venue, first_settings, origin_ms, skew_ms)
    if witness.read(journal_rows, event):
        witness.sort(history.operations)
        if results is not None:
            witness.pin(results)
        witness.set_floors()
        witness.replay()
        witness.match_unknown()
        witness.check_keys()
    return witness.violations


class _Witness:
    def __init__(
        self, venue: Venue, settings: Settings, origin_ms: int | None, skew_ms: int
    ) -> None:
        self.stock = Stock(venue, settings)
        self.origin_ms, self.skew_ms = origin_ms, skew_ms
        self.violations: list[str] = []
        self.ids = Ids()
        self.request = Request(self.stock, "", False, 0, self.ids)
        self.changes: list[tuple[AnyChange, int]] = []
        self.claims: dict[int, Effect] = {}
        self.keyed: dict[tuple[str, str], Effect] = {}
        self.open: dict[tuple[str, str], list[Effect]] = defaultdict(list)
        self.observations: list[tuple[int, int, Operation]] = []
        self.reused: list[Operation] = []
        self.fitting: dict[int, list[Effect]] = {}
        self.floors: tuple[list[int], list[int]] = [], []
        self.looked = 0

    def add(self, sentence: str) -> None:
        self.violations.append(sentence)

    # The evidence.

    def read(self, rows: Iterable[JournalRow], event: str | None) -> bool:
        """Take the journal apart; False where it is not even a chain of versions."""
        version, chain, at_ms = 0, b"", 0
        for row in rows:
            changes = decode_changes(row.body)
            if row.base != version or row.to != version + len(changes) or not changes:
                self.add(
                    f"The journal goes from {version} to {row.base} and then {row.to}."
                )
                return False
            if event is not None:
                chain = chained(chain, event, row.base, row.to, row.at_ms, row.body)
                if row.chain != chain or row.at_ms < at_ms:
                    self.add(f"The journal's chain or time breaks at {row.to}.")
                    return False
            self.changes.extend((change, row.at_ms) for change in changes)
            version, at_ms = row.to, row.at_ms
        return True

    def sort(self, operations: Sequence[Operation]) -> None:
        """Tell apart who changed something, who looked, and who knows nothing."""
        unknown = []
        moves: dict[int, list[Operation]] = defaultdict(list)
        for operation in operations:
            reply = operation.reply
            if reply is None or operation.unknown:
                if type(operation.command) is not c.Holding:
                    unknown.append(operation)
                continue
            version = reply.version
            if type(reply) is Refused and version is UNSET:
                if reply.code == "key_reused":
                    self.reused.append(operation)
                elif reply.code not in SHELL_CODES:
                    self.add(f"{operation} was refused without a version: {reply}.")
                continue
            if version is UNSET or not 0 <= version <= len(self.changes):
                self.add(f"{operation} was shown what is not in the journal: {reply}.")
            elif type(reply) is Refused or type(reply) is HoldingOk:
                self.observations.append((version, operation.called, operation))
            elif type(operation.command) is c.ChangeSale:
                moves[version].append(operation)
            else:
                self._claim(operation, version)
        for version, sales in moves.items():
            self._sort_moves(version, sales)
        for operation in unknown:
            self._doubt(operation)
        self.observations.sort()

    def _sort_moves(self, version: int, sales: list[Operation]) -> None:
        """Tell who moved a sale, the first if anybody did, from who found it there."""
        sales.sort(key=lambda operation: operation.called)
        moved = version > 0 and type(self.changes[version - 1][0]) is SaleChanged
        if moved:
            self._claim(sales[0], version)
        for operation in sales[moved:]:
            self.observations.append((version, operation.called, operation))

    def _claim(self, operation: Operation, version: int) -> None:
        key = operation.key
        effect = None if key is None else self.keyed.get((operation.owner, key))
        if effect is None:
            effect = Effect()
            if key is not None:
                self.keyed[operation.owner, key] = effect
        elif effect.version != version:
            self.add(f"{operation} has two effects: {effect.version} and {version}.")
            return
        if self.claims.setdefault(version, effect) is not effect:
            other = self.claims[version].first()
            self.add(f"Version {version} is claimed by {other} and {operation}.")
            return
        effect.version = version
        effect.attempts.append(operation)
        effect.called = min(effect.called, operation.called)
        effect.returned = min(effect.returned, operation.returned)

    def _doubt(self, operation: Operation) -> None:
        """Take in a command of which nobody knows what became."""
        key = operation.key
        effect = None if key is None else self.keyed.get((operation.owner, key))
        if effect is None:
            effect = Effect()
            if key is not None:
                self.keyed[operation.owner, key] = effect
        elif effect.attempts and not same(effect.attempts[0], operation):
            return  # The key is spent on another command.
        effect.unknown.append(operation)
        effect.called = min(effect.called, operation.called)
        if not effect.attempts:
            self.open[target_of_command(operation)].append(effect)

    def pin(self, results: Iterable[KeyedResult]) -> None:
        """Say of each keyed command whether it happened, from the stored outcomes."""
        stored: dict[tuple[str, str], int] = {}
        for result in results:
            if stored.setdefault((result.user, result.key), result.version) != (
                result.version
            ):
                self.add(f"Two outcomes are stored for key {result.key}.")
        for (user, key), effect in self.keyed.items():
            version = stored.pop((user, key), None)
            if effect.version is not None and version != effect.version:
                self.add(
                    f"{effect.first()} was accepted as version {effect.version}, and"
                    f" what is stored for its key is {version}."
                )
            effect.pinned = True
            if effect.version is None and version is not None:
                effect.version = version
                if self.claims.setdefault(version, effect) is not effect:
                    self.add(f"Version {version} has two keys, one of them {key}.")
        for user, key in stored:
            self.add(f"An outcome is stored for {user}'s key {key}, never used.")

    def set_floors(self) -> None:
        """Note which version everybody knew who asked later: real time."""
        known = [
            (effect.returned, version)
            for version, effect in self.claims.items()
            if effect.attempts
        ]
        known += [(op.returned, version) for version, _, op in self.observations]
        known.sort()
        self.floors = (
            [returned for returned, _ in known],
            list(accumulate((version for _, version in known), max)),
        )
        for version, effect in self.claims.items():
            self._check_real_time(version - 1, effect.called, effect)
        for version, called, operation in self.observations:
            self._check_real_time(version, called, operation)

    def floor(self, called: int) -> int:
        """Return the highest version that was told before that moment."""
        index = bisect_left(self.floors[0], called)
        return self.floors[1][index - 1] if index else 0

    def _check_real_time(
        self, version: int, called: int, who: Effect | Operation
    ) -> None:
        floor = self.floor(called)
        if version < floor:
            operation = who.first() if isinstance(who, Effect) else who
            self.add(
                f"{operation} saw version {version} though {floor} was told before it"
                " began."
            )

    # The replay.

    def replay(self) -> None:
        """Go through the versions; at each, judge who made it and who looked at it."""
        observations = iter(self.observations)
        version, _, operation = next(observations, (NEVER, 0, None))
        try:
            for number in range(len(self.changes) + 1):
                if number:
                    change, at_ms = self.changes[number - 1]
                    self._judge_change(number, change, at_ms)
                    self.stock.apply(change, at_ms)
                    self.stock.touched_seats.clear()
                    self.stock.touched_areas.clear()
                while version == number and operation is not None:
                    self._judge_observation(operation)
                    version, _, operation = next(observations, (NEVER, 0, None))
            self.stock.check()
        except (Corrupt, LookupError, ValueError, MsgspecError) as error:
            self.add(
                f"The journal contradicts itself after version {self.stock.version}:"
                f" {type(error).__name__}: {error}."
            )

    def _decide(
        self, operation: Operation, change: AnyChange | None, now_ms: int
    ) -> tuple[AnyChange | None, Any]:
        """Ask the rules what had to happen, with the names that were given then."""
        ids = self.ids
        if type(change) is SeatsHeld:
            ids.name = change.hold
        elif type(change) is HoldBooked:
            ids.name, ids.number = change.booking, change.reference
        request = self.request
        request.user, request.organizer = operation.user, operation.organizer
        request.now_ms, request.origin = now_ms, operation.origin
        request.system = operation.system
        return decide(operation.command, request)

    def _judge_change(self, version: int, change: AnyChange, at_ms: int) -> None:
        cancelled = self.stock.settings.sale_state == "cancelled"
        if type(change) is HoldExpired and not cancelled:
            left_ms = self.stock.holds[change.hold].deadline_ms - at_ms
            if left_ms > 0:
                self.add(f"Version {version} ends a hold {left_ms} ms too early.")
        effect = self.claims.get(version)
        if effect is not None:
            self._judge_effect(version, change, at_ms, effect)
        elif not self._is_own(change, at_ms):
            self.fitting[version] = [
                effect
                for effect in self.open[target_of_change(change)]
                if not effect.pinned
                and self.floor(effect.called) < version
                and self._fits(effect.unknown, change, at_ms)
            ]

    def _judge_effect(
        self, version: int, change: AnyChange, at_ms: int, effect: Effect
    ) -> None:
        if not effect.attempts:
            if not self._fits(effect.unknown, change, at_ms):
                self.add(f"Version {version} is not what {effect.first()} asked.")
            return
        operation = effect.attempts[0]
        wanted, expected = self._decide(operation, change, at_ms)
        if wanted is None:
            self.add(
                f"{operation} was accepted as version {version}; the rules say"
                f" {expected}."
            )
            return
        if wanted != change:
            self.add(f"Version {version} is {change}, and {operation} asked {wanted}.")
            return
        for attempt in effect.attempts:
            if attempt is not operation and not same(attempt, operation):
                self.add(f"{attempt} was accepted with the key of {operation}.")
            elif not same_answer(attempt, expected):
                self.add(
                    f"{attempt} was told {attempt.reply}, and version {version} is"
                    f" {expected}."
                )

    def _is_own(self, change: AnyChange, at_ms: int) -> bool:
        """Return whether the event may have done this by itself, at that time."""
        command: c.AnyCommand
        if isinstance(change, HoldExpired):
            command = c.ExpireHold(id=0, event="", hold=change.hold)
        elif isinstance(change, HoldsKept):
            command = c.KeepHolds(id=0, event="", until_ms=change.until_ms)
        elif isinstance(change, SaleChanged):
            command = _STEPS.get(change.to, c.OpenSale)(id=0, event="")
        else:
            # The line's own twin judges what the system does there.
            return isinstance(change, OF_LINE)
        own = Operation("", "", True, command, None, 0, 0.0)
        return self._decide(own, change, at_ms)[0] == change

    def _fits(
        self, attempts: list[Operation], change: AnyChange, at_ms: int
    ) -> list[Operation]:
        return [
            attempt
            for attempt in attempts
            if self._decide(attempt, change, at_ms)[0] == change
        ]

    def _judge_observation(self, operation: Operation) -> None:
        """Judge a refusal or a question at the version it names."""
        reply: Any = operation.reply
        if type(reply) is Refused:
            if operation.key is not None:
                self._judge_spent_key(operation)
            if reply.code == "seat_not_free" and type(operation.command) is c.Hold:
                self.looked += 1
                if self.looked % EXACT_EVERY and lists_taken(
                    self.stock, operation, reply
                ):
                    return
        now_ms = self.stock.at_ms
        latest_ms = now_ms + FOREVER_MS
        if self.origin_ms is not None:
            called_ms = self.origin_ms + operation.called_s * 1_000 - self.skew_ms
            returned_ms = self.origin_ms + operation.returned_s * 1_000 + self.skew_ms
            latest_ms = max(now_ms, int(min(returned_ms, called_ms + FOREVER_MS)))
            now_ms = max(now_ms, int(called_ms))
        change, expected = self._decide(operation, None, now_ms)
        if type(operation.command) in _TIMED and change is not None:
            # Time alone makes these too late.
            change, expected = self._decide(operation, None, latest_ms)
        expected.id = reply.id
        if type(expected) is HoldingOk:
            fits = same_holding(reply, expected, latest_ms - now_ms)
        else:
            fits = change is None and reply == expected
        if not fits and type(operation.command) in IN_TURN:
            # Turns and rounds end by time alone.
            fits = same_later(operation, *self._decide(operation, None, latest_ms))
        if not fits and not self._fits_later(operation, now_ms, latest_ms):
            self.add(
                f"{operation} was told {reply}, and version {self.stock.version} says"
                f" {expected}."
            )

    def _fits_later(self, operation: Operation, now_ms: int, latest_ms: int) -> bool:
        """Return whether a refusal fits some moment: what is closed opens by itself."""
        reply: Any = operation.reply
        if operation.origin is None or type(reply) is not Refused:
            return False
        moments = openings(self.stock, operation, now_ms, latest_ms)
        for moment, following in zip(moments, [*moments[1:], latest_ms], strict=True):
            change, expected = self._decide(operation, None, moment)
            expected.id = reply.id
            if change is None and same_refusal(reply, expected, following - moment):
                return True
        return False

    def _judge_spent_key(self, operation: Operation) -> None:
        effect = self.keyed.get((operation.owner, operation.key or ""))
        spent = None if effect is None else effect.version
        if spent is not None and spent <= self.stock.version:
            self.add(
                f"{operation} was judged again at {self.stock.version} though its key"
                f" had its effect as {spent}."
            )

    # What is left when all is replayed.

    def match_unknown(self) -> None:
        """Give each change that nobody claims a command of its own."""
        taken: dict[int, int] = {}
        effects: dict[int, Effect] = {}

        def find(version: int, tried: set[int]) -> bool:
            for effect in self.fitting[version]:
                mark = id(effect)
                if mark in tried:
                    continue
                tried.add(mark)
                if mark not in taken or find(taken[mark], tried):
                    taken[mark], effects[mark] = version, effect
                    return True
            return False

        for version in self.fitting:
            if not find(version, set()):
                change = self.changes[version - 1][0]
                self.add(
                    f"Nobody asked for version {version}, or it happened twice:"
                    f" {change}."
                )
        for mark, version in taken.items():
            effects[mark].version = version

    def check_keys(self) -> None:
        """Check that `key_reused` was said only of keys that were used otherwise."""
        for operation in self.reused:
            effect = self.keyed.get((operation.owner, operation.key or ""))
            if (
                effect is None
                or effect.version is None
                or effect.called > operation.returned
                or all(
                    same(other, operation)
                    for other in (effect.attempts or effect.unknown)
                )
            ):
                self.add(f"{operation} was refused for its key, never used otherwise.")
