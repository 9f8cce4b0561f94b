"""What the actor needs from outside, and the values that cross that border.

`persistence` implements `Journal`, `server` implements `Publisher`, `Clock` and `Ids`;
simulation implements all four. Nothing here knows a database or a socket.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Protocol

from msgspec import Struct

from inventory.changes import Seats
from inventory.commands import AnyCommand
from inventory.replies import Reply
from inventory.settings import Money, Settings


class Envelope(Struct, eq=False):
    """A command on its way: who asks, and the plain function that takes the reply.

    The collector must see it: what waits for an actor that is gone is part of a cycle
    with it. `reply` must not raise and must not wait; it is called exactly once.
    `origin` stands for the network that it came from; without one the rules against
    hoarding do not count. `system` is the shop, which asks in the name of `user`.
    """

    command: AnyCommand
    user: str
    organizer: bool
    reply: Callable[["Envelope", Reply], None]
    key: str | None = None
    request_hash: bytes = b""
    size: int = 0
    origin: str | None = None
    system: bool = False


class Ownership(Struct):
    """The right to write one event's journal, and where that journal stands.

    `epoch` rises with every acquisition and every fence; `token` is random per
    acquisition. `version` and `chain` are the head's: the actor moves them on after
    each clean commit.
    """

    event: str
    history_id: str
    epoch: int
    token: str
    version: int
    chain: bytes


class KeyedResult(Struct, frozen=True):
    """The accepted outcome of a keyed command, stored in the same commit."""

    user: str
    key: str
    request_hash: bytes
    version: int
    outcome: bytes


class BookedLines(Struct, frozen=True, array_like=True):
    """What a booking's seats and places are and cost, for its row.

    Category and amount of each seat, in the order of the booking's; `areas` holds
    label, category, how many and the amount of each. The currency is None where nothing
    had a price.
    """

    currency: str | None
    categories: list[str]
    amounts: tuple[int, ...]
    areas: list[tuple[str, str, int, int]]


class BookingRow(Struct, frozen=True):
    """A new booking as the tables keep it."""

    booking: str
    reference: str
    user: str
    order: str | None
    version: int
    seats: list[str]
    areas: dict[str, int]
    lines: BookedLines | None = None
    """None where a former version booked it."""


class ReducedRow(Struct, frozen=True):
    """What is left of a booking of which a part was cancelled."""

    booking: str
    seats: list[str]
    areas: dict[str, int]
    lines: BookedLines


class Batch(Struct):
    """What one commit writes: one journal row and the rows derived from it, netted.

    `body` holds the encoded changes of the versions `base`+1 … `to`, `chain` the hash
    over the previous chain value, the event, these versions, `at_ms` and `body`.
    `freed` rows are deleted (their number is checked) before `sold` rows are inserted.
    """

    base: int
    to: int
    batch_id: str
    at_ms: int
    body: bytes
    chain: bytes
    sold: list[tuple[int, str]]
    freed: list[tuple[int, str]]
    area_sold: dict[int, int]
    results: list[KeyedResult]
    bookings: list[BookingRow]
    cancelled: list[str]
    settings: Settings | None
    reduced: list[ReducedRow] = []
    marks: int | None = None
    """Which `MARKS` its changes have; None where nobody looked."""
    ranked: list[tuple[bytes, int]] = []
    """Stubs of late entries of the line, and the ranks that they have from now on."""


class CommitStatus(Enum):
    """How a commit ended, as far as this process can know."""

    COMMITTED = "committed"
    FENCED = "fenced"
    ABORTED = "aborted"
    AMBIGUOUS = "ambiguous"


class JournalRow(Struct, frozen=True):
    """One committed batch."""

    base: int
    to: int
    at_ms: int
    body: bytes
    chain: bytes


class StoredSnapshot(Struct, frozen=True):
    """The newest recovery snapshot of an event."""

    version: int
    body: bytes


class Fenced(Struct, frozen=True):
    """What a fence found: the ownership renewed, and the batch that its head is of."""

    ownership: Ownership
    batch_id: str | None


class Journal(Protocol):
    """The durable side of one event. Every call may wait; none is ever cancelled."""

    async def acquire(self, event: str) -> Ownership | None:
        """Take ownership, committed before it returns; None while another has it.

        Raises KeyError when there is no such event.
        """

    async def load_snapshot(self, event: str) -> StoredSnapshot | None:
        """Return the newest recovery snapshot."""

    async def load_rows(self, event: str, after: int, limit: int) -> list[JournalRow]:
        """Return the batches whose `to` is above `after`, in order, at most `limit`."""

    async def commit(self, ownership: Ownership, batch: Batch) -> CommitStatus:
        """Write one batch; never raises for what the database does."""

    async def confirm(self, ownership: Ownership) -> CommitStatus:
        """Renew the lease without writing anything else."""

    async def fence(self, ownership: Ownership, token: str) -> Fenced | None:
        """Shut out every late write of `ownership` by a committed epoch bump.

        Repeats until the database answers; the caller bounds its patience. `token` is
        chosen once per resolution, so that a lost answer can be asked for again. None
        means that somebody else took over.
        """

    async def find_results(
        self, event: str, keys: Iterable[tuple[str, str]]
    ) -> list[KeyedResult]:
        """Return the stored outcomes of these (user, key) pairs."""

    async def save_snapshot(
        self, ownership: Ownership, version: int, body: bytes
    ) -> None:
        """Store a recovery snapshot, guarded by epoch and token."""

    async def release(self, ownership: Ownership, *, due: bool) -> None:
        """End the lease, so that another process need not wait for it.

        `due`: something falls due though nobody asks for the event, as the end of a
        hold does, so that somebody has to look after it.
        """


class Clock(Protocol):
    """The database's clock as this process knows it, and a monotonic one."""

    def now_ms(self) -> int:
        """Return the database's time in Unix milliseconds."""

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""


class Ids(Protocol):
    """Unguessable names."""

    def token(self) -> str:
        """Return 128 random bits as text that is safe in URLs."""

    def reference(self) -> str:
        """Return a booking reference that a person can read out."""


class Expiry(Struct, frozen=True):
    """A hold ran out: told to its user."""

    user: str
    hold: str
    seats: list[str]
    areas: dict[str, int]


class TurnNews(Struct, frozen=True):
    """Somebody has a turn: told to its user, with the hold where a wish was served."""

    user: str
    rank: int
    because: str
    until_ms: int
    hold: str | None
    seats: list[str]
    areas: dict[str, int]
    total: Money | None
    deadline_ms: int


class TurnOver(Struct, frozen=True):
    """A turn is over: told to its user, with the reason as `TurnEnded` has it."""

    user: str
    rank: int
    why: str


class Publication(Struct):
    """What one committed batch changed, for every watcher of the event.

    `seats` are the touched seat indexes and `letters` their new letters, in the same
    order; `areas` maps area index to free, held, booked, blocked.
    """

    event: str
    history_id: str
    epoch: int
    base: int
    to: int
    seats: Seats
    letters: bytes
    areas: dict[int, tuple[int, int, int, int]]
    settings: Settings | None
    expired: list[Expiry]
    marks: int = 0
    """Which `MARKS` the changes have; 0 where nobody follows any of them."""
    turns: list[TurnNews] = []
    turns_over: list[TurnOver] = []


class BoardState(Struct):
    """All of an event that watchers see, as it stands at one version.

    `areas` holds free, held, booked, blocked of each area.
    """

    event: str
    history_id: str
    epoch: int
    version: int
    letters: bytes
    areas: list[tuple[int, int, int, int]]
    settings: Settings


class Publisher(Protocol):
    """Takes what was committed; never waits, never raises."""

    def publish(self, publication: Publication) -> None:
        """Give one publication to the watchers."""

    def reset(self, state: BoardState) -> None:
        """Replace the committed board: the owner (re)loaded it."""


class Observer(Protocol):
    """Counts what the actors do. Called on the hot path: must be cheap."""

    def committed(self, commands: int, seconds: float) -> None:
        """Note a clean commit: how many commands it carried and how long it took."""

    def refused(self, code: str) -> None:
        """Note a refusal by its code."""

    def doubted(self, status: CommitStatus) -> None:
        """Note a commit that was not a clean success."""

    def failed(self, event: str, error: BaseException) -> None:
        """Note that an event's actor stopped on an error, with its traceback."""
