"""What the checks found, in the order in which it is told."""

from collections.abc import Iterator
from typing import Final, Literal

Check = Literal[
    "form",
    "signature",
    "earlier",
    "rules",
    "commitment",
    "rounds",
    "fixed",
    "root",
    "beacon",
    "order",
    "late",
    "turns",
    "end",
    "witness",
    "place",
]
ORDER: Final[tuple[Check, ...]] = (
    "form",
    "signature",
    "earlier",
    "rules",
    "commitment",
    "rounds",
    "fixed",
    "root",
    "beacon",
    "order",
    "late",
    "turns",
    "end",
    "witness",
    "place",
)
Code = Literal["round_late", "seed_only", "beacon_unknown", "told_late"]

WHOLE: Final = 0
BROKEN: Final = 1
NOTHING: Final = 2
UNCHECKED: Final = "beacon not checked"


class Broken(Exception):
    """The form is broken, so that nothing behind can be judged."""


class Report:
    """Collects what was found. The first fault of a check is the one that is told."""

    def __init__(self) -> None:
        self.is_complete = False
        """Whether there is a line to judge: drawn, and fed to the last entrant."""
        self.history: list[str] = []
        """What became of the place that was asked about."""
        self._bad: dict[Check, str] = {}
        self._open: dict[Check, str] = {}
        self._weak: dict[Check, tuple[Code, str]] = {}
        self._fine: dict[Check, str] = {}

    def bad(self, check: Check, sentence: str) -> None:
        """Note that something is broken."""
        self._bad.setdefault(check, sentence)

    def open(self, check: Check, sentence: str) -> None:
        """Note that something could not be checked, or not yet."""
        self._open.setdefault(check, sentence)

    def weak(self, check: Check, code: Code, sentence: str) -> None:
        """Note that something holds, and proves less than it might."""
        self._weak.setdefault(check, (code, sentence))

    def fine(self, check: Check, sentence: str) -> None:
        """Note what is said of a check where nothing else was found."""
        self._fine[check] = sentence

    def require(self, check: Check, holds: bool, sentence: str) -> bool:
        """Note a fault unless something holds; return whether it does."""
        if not holds:
            self.bad(check, sentence)
        return holds

    def lines(self) -> Iterator[str]:
        """Return a line for each check, then the verdict."""
        for check in ORDER:
            if check in self._bad:
                yield f"BAD {check}: {self._bad[check]}"
            elif check in self._open:
                yield f"open {check}: {self._open[check]}"
            elif check in self._weak:
                code, sentence = self._weak[check]
                yield f"weak {check}: {code}: {sentence}"
            elif check in self._fine:
                yield f"ok {check}: {self._fine[check]}"
            if check == "place":
                yield from (f"place: {line}" for line in self.history)
        yield self.verdict()

    def verdict(self) -> str:
        """Return the verdict in words."""
        if self._bad:
            return "broken"
        if not self.is_complete:
            return "nothing to check"
        codes = [self._weak[check][0] for check in ORDER if check in self._weak]
        weak = f", weak: {', '.join(codes)}" if codes else ""
        unchecked = f", {UNCHECKED}" if "beacon" in self._open else ""
        return f"whole{weak}{unchecked}"

    def status(self, *, strict: bool) -> int:
        """Return what the command ends with; strict takes nothing weak or open."""
        if self._bad:
            return BROKEN
        if not self.is_complete:
            return NOTHING
        return BROKEN if strict and (self._weak or self._open) else WHOLE
