"""The boot guard: asks whether this Postgres keeps what it acknowledged.

Classes: A is one server that flushes to its disk, B has a synchronous standby, C an
asynchronous one, whose promotion may lose the last moments (which `server_line` tells).
"""

from typing import Any, Literal

import asyncpg
from msgspec import Struct

from persistence import limits
from persistence.errors import Unavailable, UnsafeServer, reason_of

DurabilityClass = Literal["A", "B", "C", "unsafe"]

_STRONG_COMMITS = frozenset({"on", "remote_apply"})

_INSPECT = """
SELECT current_setting('server_version') AS server_version,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS synchronous_standby_names,
    pg_is_in_recovery() AS in_recovery,
    current_setting('transaction_read_only') AS read_only,
    -- Without pg_monitor the rows are visible and their columns are not.
    (SELECT count(*) FROM pg_stat_replication
        WHERE state IS NULL OR state IN ('catchup', 'streaming')) AS standbys
"""


class Durability(Struct, frozen=True):
    """What was found; `problems` is empty unless the server runs with `--unsafe`."""

    durability_class: DurabilityClass
    problems: list[str]
    server_version: str
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    synchronous_standby_names: str
    standbys: int


async def check_server(url: str, unsafe: bool = False) -> Durability:
    """Look at the server as it is set up, without settings of our own.

    Raises `UnsafeServer` where it may lose what it acknowledged, unless `unsafe`, and
    `Unavailable`.
    """
    try:
        connection = await asyncpg.connect(url, timeout=limits.CONNECT_TIMEOUT_S)
        try:
            row = await connection.fetchrow(_INSPECT, timeout=limits.READ_TIMEOUT_S)
        finally:
            await connection.close(timeout=limits.CALL_DEADLINE_S)
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    ) as error:
        raise Unavailable(f"cannot connect: {reason_of(error)}") from error
    except ValueError as error:
        # Its text quotes the address, which may hold a password.
        raise Unavailable("its address is not a valid one") from error
    found = _judge(row)
    if found.problems and not unsafe:
        raise UnsafeServer("; ".join(found.problems))
    return found


def _judge(row: Any) -> Durability:
    checks = [
        (row["fsync"] != "on", "fsync is off"),
        (row["full_page_writes"] != "on", "full_page_writes is off"),
        (
            row["synchronous_commit"] not in _STRONG_COMMITS,
            f"synchronous_commit is {row['synchronous_commit']}, weaker than on",
        ),
        (
            row["in_recovery"],
            "the server is a standby, or a restore of it has not ended yet",
        ),
        (row["read_only"] == "on", "transactions are read-only"),
    ]
    problems = [problem for wrong, problem in checks if wrong]
    return Durability(
        durability_class=_class_of(row, problems),
        problems=problems,
        server_version=row["server_version"],
        fsync=row["fsync"],
        full_page_writes=row["full_page_writes"],
        synchronous_commit=row["synchronous_commit"],
        synchronous_standby_names=row["synchronous_standby_names"],
        standbys=row["standbys"],
    )


def _class_of(row: Any, problems: list[str]) -> DurabilityClass:
    if problems:
        return "unsafe"
    if row["synchronous_standby_names"].strip():
        return "B"
    return "C" if row["standbys"] else "A"
