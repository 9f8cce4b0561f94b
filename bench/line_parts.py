"""What the parts of `bench line` have in common: figures, rows, and a full line."""

import os
from collections.abc import Sequence

import asyncpg
import msgspec
from msgspec import Struct

from bench.check import percentile
from bench.outcome import Value, number
from inventory.line.wishes import Wish

BATCH = 50_000
COLUMNS = ["entry_id", "event_id", "draw", "user_id", "stub", "late", "wish"]
_encode = msgspec.json.Encoder().encode


class Part(Struct, kw_only=True):
    """What one part found: values that are judged, and in which circumstances."""

    values: list[Value] = []
    conditions: list[str] = []
    """One for each value."""

    echoes: list[str] = []
    """What the echo of the same run took, one for each value; empty where none is."""

    faults: list[str] = []

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        condition: str,
        *,
        echo: str = "",
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Take a value."""
        self.values.append(
            Value(name=name, value=value, unit=unit, at_most=at_most, at_least=at_least)
        )
        self.conditions.append(condition)
        self.echoes.append(echo)

    def fault(self, where: str, faults: dict[str, int]) -> None:
        """Take what went wrong."""
        self.faults += [f"{where}: {what}, {count:,}" for what, count in faults.items()]

    def rows(self) -> list[list[str]]:
        """Return the rows of the table."""
        return [
            [one.name, f"{number(one.value)} {one.unit}", _bound(one), echo]
            for one, echo in zip(self.values, self.echoes, strict=True)
        ]

    def notes(self) -> list[str]:
        """Say under which conditions each value was measured."""
        return [
            f"{one.name}: {condition}."
            for one, condition in zip(self.values, self.conditions, strict=True)
        ]

    def unjudged(self) -> list[Value]:
        """Return the values without their bounds."""
        return [
            Value(name=one.name, value=one.value, unit=one.unit) for one in self.values
        ]


def _bound(value: Value) -> str:
    if value.at_most is not None:
        return f"≤ {number(value.at_most)}"
    return "" if value.at_least is None else f"≥ {number(value.at_least)}"


def p50_p99(ms: list[float]) -> str:
    """Write two percentiles of what is in order."""
    return f"{percentile(ms, 0.5):.1f} / {percentile(ms, 0.99):.1f} ms"


async def fill(
    url: str,
    event: str,
    people: int,
    *,
    late: bool,
    wishes: Sequence[Wish | None] = (None,),
) -> None:
    """Write so many places as joins would have, without people to them."""
    texts = [None if one is None else _encode(one).decode() for one in wishes]
    connection = await asyncpg.connect(url)
    try:
        for first in range(0, people, BATCH):
            numbers = range(first, min(people, first + BATCH))
            await connection.copy_records_to_table(
                "line_entry",
                columns=COLUMNS,
                records=[
                    (
                        f"{event[-8:]}-{number:015d}",
                        event,
                        1,
                        f"usr_bench_{number:012d}",
                        os.urandom(16),
                        late,
                        texts[number % len(texts)],
                    )
                    for number in numbers
                ],
            )
        await connection.execute("ANALYZE line_entry")
    finally:
        await connection.close()
