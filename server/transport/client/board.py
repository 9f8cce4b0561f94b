"""What one watching client knows of an event: a snapshot, then contiguous deltas."""

from typing import Any, Final

FREE: Final = ord("f")
HELD: Final = ord("h")
BOOKED: Final = ord("b")

Frame = dict[str, Any]


class Board:
    """The seats and areas of one event at one position.

    `gaps` counts deltas that did not follow the position; a server that keeps its
    promise makes none.
    """

    def __init__(self, seats: int, areas: dict[str, int]) -> None:
        self.letters = bytearray(b"f" * seats)
        self.areas = {
            label: {"free": capacity, "held": 0, "booked": 0, "blocked": 0}
            for label, capacity in areas.items()
        }
        self.capacity = seats + sum(areas.values())
        self.history_id: str | None = None
        self.version = 0
        self.gaps = 0
        self.last_changed = 0

    @property
    def since(self) -> dict[str, str | int] | None:
        """The position to resume from, or None before the first snapshot."""
        if self.history_id is None:
            return None
        return {"history_id": self.history_id, "version": self.version}

    @property
    def sold_out(self) -> bool:
        """Whether every place is booked."""
        return self.history_id is not None and self.count("booked") == self.capacity

    def count(self, status: str) -> int:
        """Return how many places have a status, areas included."""
        seats = self.letters.count(status[0].encode())
        return seats + sum(area[status] for area in self.areas.values())

    def take(self, frame: Frame) -> bool:
        """Take in a publication; False means that one is missing: watch anew."""
        match frame["op"]:
            case "snapshot":
                self.letters[:] = frame["seats"].encode()
                self.areas.update(frame["areas"])
                self.history_id = frame["history_id"]
                self.version = frame["version"]
            case "delta":
                if not self._follows(frame, frame["from"]):
                    self.gaps += 1
                    return False
                self._apply(frame)
                self.version = frame["to"]
            case "beat":
                return self._follows(frame, frame["version"])
            case _:
                pass
        return True

    def find_run(self, start: int, length: int) -> list[int]:
        """Return up to `length` free seats in line, searched from `start` on."""
        for wanted in range(length, 0, -1):
            for begin in (start, 0):
                at = self.letters.find(b"f" * wanted, begin)
                if at >= 0:
                    return list(range(at, at + wanted))
        return []

    def _follows(self, frame: Frame, version: int) -> bool:
        return bool(frame["history_id"] == self.history_id and version == self.version)

    def _apply(self, frame: Frame) -> None:
        for letter, indexes in frame["seats"].items():
            code = ord(letter)
            for index in indexes:
                self.letters[index] = code
            if indexes:
                self.last_changed = indexes[-1]
        self.areas.update(frame["areas"])
