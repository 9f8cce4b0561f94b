"""Those who wait in one line at sockets of this process, and when each is told next.

A waiter is its socket, whose it is and the rank, and nothing else. Who is told when is
a wheel of half a minute: each turn of it touches those who are due, and nobody else.
"""

from array import array
from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Final

from inventory.line.wishes import Wish
from server.live.fanout.writer import Writer

if TYPE_CHECKING:
    from server.events.line.waiters.state import LineState

NEAR_S: Final = 2
MIDDLE_S: Final = 10
FAR_S: Final = 30
WISHES_MAX: Final = 4_096


class Waiter:
    """One socket that somebody waits at."""

    __slots__ = ("rank", "user", "wish", "writer")

    def __init__(
        self, writer: Writer, user: str, rank: int, wish: Wish | None = None
    ) -> None:
        self.writer: Writer | None = writer
        self.user = user
        self.rank = rank
        """0 while it is not known."""
        self.wish = wish
        """Equal ones are one object: there are far more waiters than wishes."""


class Crowd:
    """The waiters of one event. A turn of the wheel is a second."""

    def __init__(self, event: str) -> None:
        self.events = (event,)
        """For each connection to keep, instead of one of its own."""
        self.state: LineState | None = None
        self.draw = 0
        """The draw that the ranks are of; 0 before anybody came."""
        self.waiters: dict[Writer, Waiter] = {}
        self.unranked: dict[str, list[Waiter]] = {}
        """Those whose rank is not known yet, by user."""
        self.came = False
        """Whether somebody came to `unranked` since these were looked up."""
        self.looked_at = 0
        """How many had a rank when they were."""
        self._pause = 1
        self._looks_in = 0
        self._wishes: dict[Wish, Wish] = {}
        self._ranks = array("I")
        self._wheel: list[list[Waiter]] = [[] for _ in range(FAR_S + 1)]
        self._at = 0

    def begin(self, draw: int) -> None:
        """Forget the ranks of the draw before: now each is somebody else's."""
        if draw <= self.draw:
            return
        self.draw = draw
        for waiter in self.waiters.values():
            if waiter.rank:
                waiter.rank = 0
                self.unranked.setdefault(waiter.user, []).append(waiter)
                self.came = True
        self._ranks = array("I")

    def add(
        self,
        writer: Writer,
        user: str,
        rank: int | None,
        draw: int,
        wish: Wish | None = None,
    ) -> Waiter:
        """Let somebody wait at a socket, and be told soon; again, it stays as it is.

        The rank is one of this draw, and not known if there was another one since.
        """
        self.begin(draw)
        waiter = self.waiters.get(writer)
        if waiter is not None:
            return waiter
        if draw < self.draw:
            rank = None
        waiter = self.waiters[writer] = Waiter(writer, user, rank or 0, self.same(wish))
        if rank is None:
            self.unranked.setdefault(user, []).append(waiter)
            self.came = True
        else:
            insort(self._ranks, rank)
        self._wheel[self._at].append(waiter)
        return waiter

    def same(self, wish: Wish | None) -> Wish | None:
        """Return the one wish that stands for all that are equal."""
        if wish is None:
            return None
        if len(self._wishes) >= WISHES_MAX:
            self._wishes.clear()
        return self._wishes.setdefault(wish, wish)

    def remove(self, writer: Writer) -> None:
        """Let somebody wait at a socket no longer."""
        waiter = self.waiters.pop(writer, None)
        if waiter is None:
            return
        # The wheel drops it when it comes to it.
        waiter.writer = None
        if waiter.rank:
            del self._ranks[bisect_left(self._ranks, waiter.rank)]

    def learn(self, user: str, rank: int) -> list[Waiter]:
        """Take note of a rank; return the sockets at which its user waits for it.

        They are told of it now, and again by how far they are from the front.
        """
        found = []
        for former in self.unranked.pop(user, []):
            if former.writer is None:
                continue
            waiter = Waiter(former.writer, user, rank, former.wish)
            found.append(waiter)
            self.waiters[former.writer] = waiter
            # It stands where the wheel comes to in half a minute, and drops it.
            former.writer = None
            self._put(waiter)
            insort(self._ranks, rank)
        return found

    def looks(self, fed: int) -> bool:
        """Return whether ranks that are not known are to be looked up in this second.

        When somebody came or was fed, and then ever less often: so many are said to be
        fed a moment before they are, and for longer while the database stands still.
        """
        if self.came or fed != self.looked_at:
            self._pause = 1
        elif self._looks_in:
            self._looks_in -= 1
            return False
        self.came, self.looked_at = False, fed
        self._looks_in, self._pause = self._pause - 1, min(2 * self._pause, FAR_S)
        return True

    def unknown(self, most: int) -> list[str]:
        """Return some users whose rank is not known, and forget those who are gone."""
        unranked = self.unranked
        for user in [
            user
            for user, waiters in unranked.items()
            if all(one.writer is None for one in waiters)
        ]:
            del unranked[user]
        return list(unranked)[:most]

    def front(self, most: int) -> list[int]:
        """Return the ranks that are seen here up to one."""
        return self._ranks[: bisect_right(self._ranks, most)].tolist()

    def due(self, most: int) -> list[Waiter]:
        """Return some who are due; nobody once it is the next second's turn.

        Each is put where they are due next, by how far from the front they are.
        """
        slot = self._wheel[self._at]
        if not slot:
            self._at = (self._at + 1) % len(self._wheel)
            return []
        some = [one for one in slot[-most:] if one.writer is not None]
        del slot[-most:]
        for waiter in some:
            self._put(waiter)
        return some or self.due(most)

    def _put(self, waiter: Waiter) -> None:
        """Let somebody who is told now be due again."""
        due_at = (self._at + self.after(waiter.rank)) % len(self._wheel)
        self._wheel[due_at].append(waiter)

    def tell_all(self) -> None:
        """Let everybody be due with the next turn of the wheel."""
        for slot in self._wheel:
            slot.clear()
        self._wheel[self._at] += self.waiters.values()

    def after(self, rank: int) -> int:
        """Return after how many seconds somebody is told again."""
        state = self.state
        if state is None or not rank:
            return FAR_S
        if rank > state.fed:
            # It came since that was said: where it stands is told with the next.
            return NEAR_S
        if rank > state.middle:
            return FAR_S
        return NEAR_S if rank <= state.near else MIDDLE_S
