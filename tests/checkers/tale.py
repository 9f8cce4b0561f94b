"""Telling histories by hand: who asked, what was committed, who heard of it."""

from typing import Any

from msgspec import msgpack
from msgspec.structs import replace

from inventory.batch import chained
from inventory.changes import AnyChange
from inventory.commands import AnyCommand, ExpireHold
from inventory.decide import decide
from inventory.loading import decode_changes
from inventory.ports import JournalRow, KeyedResult
from inventory.replies import Reply
from inventory.rules.common import Request
from inventory.state import Stock
from tests.checkers.history import History, Operation
from tests.checkers.witness import check
from tests.scenario import (
    EVENT,
    NOW_MS,
    ORGANIZER,
    SMALL,
    SequentialIds,
    parse,
    settings_of,
)


class Tale:
    """One event as an honest server would run it; what is told may be a lie."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings_of(**settings)
        self.stock = Stock(SMALL, self.settings)
        self.history = History()
        self.rows: list[JournalRow] = []
        self.results: list[KeyedResult] = []
        self.ids = SequentialIds()
        self.now_ms = NOW_MS

    def begin(
        self,
        user: str,
        text: str | AnyCommand,
        key: str | None = None,
        origin: str | None = None,
    ) -> Operation:
        command = parse(text) if isinstance(text, str) else text
        system = user.startswith("for:")
        user = user.removeprefix("for:")
        return self.history.call(
            f"client of {user}",
            user,
            command,
            organizer=user == ORGANIZER and not system,
            key=key,
            at_s=self.seconds,
            origin=origin,
            system=system,
        )

    def judge(self, operation: Operation) -> Reply:
        """Decide, and commit what changes; nobody is told yet."""
        self.ids.prefix = "b" if type(operation.command).__name__ == "Book" else "h"
        change, reply = decide(
            operation.command,
            Request(
                self.stock,
                operation.user,
                operation.organizer,
                self.now_ms,
                self.ids,
                operation.origin,
                operation.system,
            ),
        )
        if change is not None:
            self.write(change)
            if operation.key is not None:
                self.results.append(
                    KeyedResult(
                        operation.owner,
                        operation.key,
                        b"",
                        self.stock.version,
                        msgpack.encode(reply),
                    )
                )
        return reply

    def end(self, operation: Operation, reply: Reply) -> Operation:
        self.history.returned(operation, reply, self.seconds)
        return operation

    def ask(
        self,
        user: str,
        text: str | AnyCommand,
        key: str | None = None,
        origin: str | None = None,
    ) -> Operation:
        operation = self.begin(user, text, key, origin)
        return self.end(operation, self.judge(operation))

    def write(self, change: AnyChange, *, apply: bool = True) -> None:
        body = msgpack.encode([change])
        base, chain = len(self.rows), self.rows[-1].chain if self.rows else b""
        chain = chained(chain, EVENT, base, base + 1, self.now_ms, body)
        self.rows.append(JournalRow(base, base + 1, self.now_ms, body, chain))
        if apply:
            self.stock.apply(change, self.now_ms)

    def tick(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1_000)
        for token in self.stock.due_holds(self.now_ms, 100):
            request = Request(self.stock, "", True, self.now_ms, self.ids)
            change, _ = decide(ExpireHold(id=0, event="", hold=token), request)
            assert change is not None
            self.write(change)

    @property
    def seconds(self) -> float:
        return (self.now_ms - NOW_MS) / 1_000

    def change(self, version: int) -> AnyChange:
        return decode_changes(self.rows[version - 1].body)[0]

    def rewrite(self, *changes: AnyChange) -> None:
        """Let the journal hold these changes instead."""
        self.rows = []
        for change in changes:
            self.write(change, apply=False)

    def violations(self, **options: Any) -> list[str]:
        return check(
            self.history, self.rows, SMALL, self.settings, origin_ms=NOW_MS, **options
        )


def told(operation: Operation, **others: Any) -> None:
    """Let an answer have said something else."""
    assert operation.reply is not None
    operation.reply = replace(operation.reply, **others)
