"""What clients asked and were told, in one total order: the checkers' evidence.

Cheap to record: one small object per operation, filled in when the answer comes. The
order of calls and returns is counted, so that two things at the same instant of a
virtual clock are still one before the other.
"""

from typing import Final

from inventory.commands import AnyCommand
from inventory.replies import Refused, Reply

NEVER: Final = 1 << 60
"""The place in the order of a return that did not come."""


class Operation:
    """One command of one client. Without a reply its outcome is not known."""

    __slots__ = (
        "called",
        "called_s",
        "client",
        "command",
        "key",
        "organizer",
        "origin",
        "reply",
        "returned",
        "returned_s",
        "system",
        "user",
    )

    def __init__(
        self,
        client: str | int,
        user: str,
        organizer: bool,
        command: AnyCommand,
        key: str | None,
        called: int,
        called_s: float,
        origin: str | None = None,
        system: bool = False,
    ) -> None:
        self.client = client
        self.user = user
        self.organizer = organizer
        self.command = command
        self.key = key
        self.called = called
        self.called_s = called_s
        self.origin = origin
        self.system = system
        self.reply: Reply | None = None
        self.returned = NEVER
        self.returned_s = float("inf")

    @property
    def unknown(self) -> bool:
        """Whether nobody told what became of it (Jepsen's `info`)."""
        reply = self.reply
        return reply is None or (
            type(reply) is Refused and reply.code == "outcome_unknown"
        )

    @property
    def owner(self) -> str:
        """Whose key it has: the system has keys of its own for each user."""
        return f"system {self.user}" if self.system else self.user

    def __repr__(self) -> str:
        key = "" if self.key is None else f" (key {self.key})"
        return f"{self.owner}'s {self.command!r}{key} at {self.called}"


class History:
    """All operations on one event."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.moment = 0

    def call(
        self,
        client: str | int,
        user: str,
        command: AnyCommand,
        *,
        organizer: bool = False,
        key: str | None = None,
        at_s: float = 0.0,
        origin: str | None = None,
        system: bool = False,
    ) -> Operation:
        """Note that a client begins to ask; `at_s` is a clock of the run's.

        `origin` stands for its network, where that is limited. `system` is the shop.
        """
        self.moment += 1
        operation = Operation(
            client,
            user,
            organizer,
            command,
            key or command.key,
            self.moment,
            at_s,
            origin,
            system,
        )
        self.operations.append(operation)
        return operation

    def returned(
        self, operation: Operation, reply: Reply, at_s: float = float("inf")
    ) -> None:
        """Note the answer. Without a call of this the outcome stays unknown."""
        self.moment += 1
        operation.reply = reply
        operation.returned = self.moment
        operation.returned_s = at_s
