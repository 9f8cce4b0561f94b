"""The slow twin of the line, on whole journals: orders and recoveries are in them, too.

`NaiveLine` judges turns, `waiting-room.md` 14 word for word. What a journal alone does
not tell is when turns are owed at the end of a batch: so it is looked who takes what
was freed, and not whether the batch gave it.
"""

from hashlib import sha256
from typing import Final

from inventory import changes as c
from inventory import limits
from inventory.settings import Settings
from inventory.venue.map import Venue
from tests.naive_line import GRACE_MS, RETURNED_MAX, NaiveLine

STUB: Final = 16
SOON_MS: Final = 1_000
"""So soon a turn ends that is over, of the time in which its owner was awake."""

AWAKE_MS: Final = 250
"""What counts of the time between two batches: an owner may have stood still."""


class JournalTwin(NaiveLine):
    """What is known of an event from its journal alone."""

    def __init__(
        self, venue: Venue, settings: Settings, paid: set[tuple[str, tuple[int, ...]]]
    ) -> None:
        super().__init__(venue, settings)
        self.paid = paid
        """Users and seats that the shop asked for, in the name of who paid late."""
        self.pledged: set[str] = set()
        self.key = b""
        self.stubs: list[bytes] = []
        self.late: dict[int, int] = {}
        """How long turns that were over outlived an owner that was awake, by rank."""
        self.looked_ms = 0
        self.fixed: c.EntrantsFixed | None = None

    def judge(self, change: c.AnyChange) -> None:
        """Take one change in; fail where it breaks a promise."""
        self.rest_for_now()
        if self.freed_turns is not None and self.first_fits() is None:
            self.freed_turns = None
        super().judge(change)

    def owes(self, first: c.AnyChange) -> bool:
        """L11: return whether a batch begins with another change than is owed.

        What a change frees goes to the line in its batch, or where there was no time
        for that at the beginning of the next one; and who waits in a list waits for
        nothing that is free.
        """
        self.rest_for_now()
        full = self.mode != "list" and (self.freed_turns or 0) >= RETURNED_MAX
        freed = self.freed_turns is not None and not full
        if not (freed or self.mode == "list") or not self.turns_are_given():
            return False
        serves = isinstance(first, c.TurnGiven | c.PlaceLimited)
        return not serves and self.first_fits() is not None

    def rest_for_now(self) -> None:
        """L11: where no turn can be given, what was freed was refused to the line."""
        if not self.turns_are_given():
            self.freed_turns = None

    def linefed(self, change: c.LineFed) -> None:
        """L1, L2, L5: ranks in the order of the keys, the late ones step by step."""
        late = change.step is not None
        goes_on = not late or change.step == len(self.steps)
        before = self.stubs[-1:] if goes_on else []
        super().linefed(change)
        told = change.stubs
        some = [told[at : at + STUB] for at in range(0, len(told), STUB)]
        assert len(some) == len(change.users), "L1"
        assert not set(some) & set(self.stubs), "L1: twice in the line"
        word = b"late" if late else b""
        keys = [(sha256(self.key + word + x).digest(), x) for x in before + some]
        assert keys == sorted(keys), "L2: not in the order of the keys"
        self.stubs += some

    @property
    def entrants(self) -> int:
        """How many gathered."""
        return 0 if self.fixed is None else self.fixed.entries

    def lineopened(self, change: c.LineOpened) -> None:
        assert not self.turns, "L9: a turn was thrown away"
        super().lineopened(change)
        self.key, self.stubs, self.fixed, self.steps = b"", [], None, []
        self.late = {}
        self.opened = change

    def overdue(self) -> list[str]:
        """L16: turns of who holds nothing, that nobody ends though there was time."""
        found = []
        awake_ms = min(self.now_ms - self.looked_ms, AWAKE_MS)
        self.looked_ms = self.now_ms
        for user, turn in self.turns.items():
            ends_ms = turn.until_ms + GRACE_MS
            if self.now_ms < ends_ms or self.has_hold(user):
                self.late.pop(turn.rank, None)
                continue
            late_ms = self.late.get(turn.rank, -awake_ms) + awake_ms
            self.late[turn.rank] = late_ms
            if late_ms > SOON_MS:
                found.append(f"L16: the turn of rank {turn.rank} is over, and open")
        return found

    def entrantsfixed(self, change: c.EntrantsFixed) -> None:
        assert self.fixed is None, "L3: fixed twice"
        if change.round_at_ms is not None:
            assert self.now_ms < change.round_at_ms, "L4: fixed when its round was out"
        self.fixed = change

    def linedrawn(self, change: c.LineDrawn) -> None:
        """L4, L6: once, by what was promised and what came out."""
        assert self.fixed is not None, "L4: drawn before its list"
        assert not self.drawn, "L6: drawn twice"
        super().linedrawn(change)
        randomness = bytes(32)
        if change.signature is not None:
            randomness = sha256(change.signature).digest()
        seed, rules_hash = change.seed, sha256(self.opened.rules.encode()).digest()
        commitment = sha256(b"onsale line commitment 1\n" + seed + rules_hash).digest()
        assert commitment == self.opened.commitment, "L4: another seed"
        told = seed + self.fixed.root + randomness + rules_hash
        self.key = sha256(b"onsale line key 1\n" + told).digest()

    def seatsheld(self, change: c.SeatsHeld) -> None:
        """L10: in a turn, but for the shop, which gives back what was paid for."""
        mode = self.mode
        if (change.user, tuple(sorted(change.seats))) in self.paid:
            self.mode = "list"
        super().seatsheld(change)
        self.mode = mode

    def holdpledged(self, change: c.HoldPledged) -> None:
        self.pledged.add(change.hold)

    def holdexpired(self, change: c.HoldExpired) -> None:
        """Its end is judged by those who know of orders and cancelled events."""
        _, seats, areas, _ = self.holds.pop(change.hold)
        self.free_up(seats, areas)

    def turnskept(self, change: c.TurnsKept) -> None:
        """L14: after a recovery each turn has so much more."""
        assert change.until_ms >= self.now_ms + limits.TURN_KEPT_MS - 1_000
        super().turnskept(change)
        self.freed_turns = None
