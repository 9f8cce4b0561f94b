"""What a service refuses, for whoever asks it: REST, pages, adapters, jobs, tests.

It raises one of these, with a code of the contract, and knows nothing of how that is
told: `server.transport.http.problems.problem_of` makes a problem document of it.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from msgspec import UNSET, Struct, UnsetType

from inventory import faults, rejections
from inventory.faults import Fault, Faults, FaultyError
from inventory.rejections import Code
from inventory.replies import Refused
from persistence.errors import TooMany
from server.base.access import Denial


class ProblemType(Struct, frozen=True):
    """One kind of problem: its stable code, its HTTP status, and what it means.

    Capabilities name theirs in a `problems.py` of their own.
    """

    code: str
    status: int
    detail: str
    transient: bool = False
    """Whether the very same request may succeed later."""
    retry_after_s: int | None = None
    """What `Retry-After` says where the refusal itself does not."""


class NamedEvent(Struct, frozen=True):
    """An event, as a problem names it."""

    id: str
    name: str


class Found(Protocol):
    """A fault, of a body or of an event's settings."""

    @property
    def field(self) -> str:
        """The path to it."""

    @property
    def detail(self) -> str:
        """What is wrong, for people."""


LIMIT_REACHED: Final = ProblemType("limit_reached", 409, "There are as many as may be.")
RATE_LIMITED: Final = ProblemType(
    "rate_limited", 429, "Too many requests; try again later.", transient=True
)
CODE_INVALID: Final = ProblemType(
    "code_invalid", 409, "This code was used, has expired, or never was one."
)


class Refusal(Exception):
    """Ends what a service was asked to do.

    `kind` is a code that commands are refused with, too, or a kind that the capability
    names. `detail` is a sentence for people, that of the kind where none is given;
    `faults` is what is wrong with the values, by field; `limit` the most there may be,
    `has` how many there are, and `event` the other one that is in the way.
    """

    def __init__(
        self,
        kind: Code | ProblemType,
        detail: str | None = None,
        *,
        faults: Sequence[Found] = (),
        limit: int | UnsetType = UNSET,
        has: int | UnsetType = UNSET,
        event: NamedEvent | UnsetType = UNSET,
    ) -> None:
        if isinstance(kind, ProblemType):
            self.code: str = kind.code
            usual = kind.detail
        else:
            self.code, usual = kind, rejections.DETAILS[kind]
        super().__init__(self.code)
        self.kind = kind
        self.detail = usual if detail is None else detail
        self.faults = list(faults)
        self.limit = limit
        self.has = has
        self.event = event


class Denied(Refusal):
    """Somebody may not do what they asked for: what `server.base.access` says."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.code, denial.detail)


class CommandRefused(Refusal):
    """An event refused a command; `refused` has all that it tells."""

    def __init__(self, refused: Refused) -> None:
        faults = refused.errors if isinstance(refused.errors, list) else ()
        super().__init__(_kind_of(refused), refused.detail, faults=faults)
        self.refused = refused


def _kind_of(refused: Refused) -> Code | ProblemType:
    if refused.code in rejections.DETAILS:
        return refused.code
    # Of an owner that is newer than this process.
    return ProblemType(refused.code, 409, refused.detail, refused.transient)


def refuse_denied(denial: Denial | None) -> None:
    """Raise `Denied` for what somebody may not do; None is nothing."""
    if denial is not None:
        raise Denied(denial)


def too_many(error: TooMany, detail: str | None = None) -> Refusal:
    """Return the refusal of one more where there are as many as may be."""
    return Refusal(LIMIT_REACHED, detail, limit=error.limit, has=error.has)


def wrong_field(field: str, detail: str) -> Refusal:
    """Return the refusal of one wrong value."""
    return wrong_fields([Fault(field, detail)])


def wrong_fields(found: Sequence[Fault]) -> Refusal:
    """Return the refusal that tells all that is wrong, of which there is something."""
    detail = found[0].detail if len(found) == 1 else faults.summary(found)
    return Refusal("bad_field", detail, faults=found)


def refuse_faults(found: Faults) -> None:
    """Raise `Refusal` where any value is wrong."""
    if found:
        raise wrong_fields(found.all())


def add_faults(found: Faults, more: Iterable[Found]) -> None:
    """Add what else is wrong; raises `Refusal` for more than is told."""
    try:
        for fault in more:
            found.add(fault.field, fault.detail)
    except FaultyError as error:
        raise wrong_fields(error.faults) from error
