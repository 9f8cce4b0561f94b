"""What is told while it happens: the list, the order, who slept, what came back."""

import time
from collections.abc import Callable
from typing import Any, Final

from server.transport.client.board import Frame

SHOWN_DIGITS: Final = 32
GROUP: Final = 4


class Story:
    """Tells each chapter once, of all those who hear of it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.now: Frame | None = None
        """How the line stood last."""
        self.list: dict[str, Any] | None = None
        """The frame that told the list."""
        self.arrived_ms = 0
        """When that came, by our clock."""
        self.place: str | None = None
        """Of whom the story was told."""
        self._say = say
        self._told: set[str] = set()

    def _once(self, chapter: str, text: str) -> None:
        if chapter not in self._told:
            self._told.add(chapter)
            self._say(text)

    def stands(self, frame: Frame) -> None:
        """Take how the line stands."""
        if self.now is None or frame["version"] >= self.now["version"]:
            self.now = frame
        if frame["phase"] == "waitlist":
            left = sum(frame["left"].values())
            self._once(
                "waitlist",
                f"{left} places are left: from here on turns go to wishes, and all who"
                " still wait were told to have one.",
            )

    def fixed(self, frame: Frame) -> None:
        """Take the list of who is in the draw."""
        if self.list is not None:
            return
        self.list, self.arrived_ms = dict(frame), int(1_000 * time.time())
        early_s = (frame["round_at_ms"] - self.arrived_ms) / 1_000
        when = f"{early_s:.1f} s before" if early_s > 0 else "only after"
        self._say(
            f"The list is closed: {frame['entries']:,} people, fingerprint"
            f" {fingerprint(frame['root'])}. We were told of it {when} round"
            f" {frame['round']:,} of the beacon came out, which decides."
        )

    def drawn(self, frame: Frame) -> None:
        """Take the order."""
        whose = "the round" if frame["beacon"] else "the seed alone"
        self._once(
            "drawn",
            f"The order is drawn by {whose}, the server's sealed seed"
            f" {frame['seed'][:8]}… and the list: {frame['line_hash'][:16]}….",
        )

    def slept(self, turn: Frame, place: str) -> None:
        """Tell of a wish that was executed while its owner slept."""
        self.place = self.place or place
        self._once(
            "slept",
            f"Rank {turn['rank']:,} sleeps, without a page or a connection open. When"
            f" the turn came, {places(turn)} were held, as wished; now they wake up.",
        )

    def returned(self, turn: Frame, took_ms: float) -> None:
        """Tell of something that was given back."""
        self._once(
            "returned",
            f"Somebody gave {places(turn)} back. Rank {turn['rank']:,} was next, and"
            f" had them on the screen {took_ms:.0f} ms later.",
        )


def fingerprint(root: str) -> str:
    """Return a root as people compare it."""
    return " ".join(
        root[start : start + GROUP] for start in range(0, SHOWN_DIGITS, GROUP)
    )


def places(turn: Frame) -> str:
    """Name what a turn came with."""
    areas = [f"{quantity} in {area}" for area, quantity in turn["areas"].items()]
    return ", ".join([*turn["seats"], *areas])
