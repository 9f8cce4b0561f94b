"""The processes that share a database: who lives, on which terms, and what each owns.

A row here gives no right: the head of an event says who owns it. It tells whom to talk
to, and whose events nobody looks after any more.
"""

import secrets

from msgspec import Struct
from msgspec.structs import fields

from persistence import limits
from persistence.postgres.pool import Pool, Row

SECRET_BYTES = 32
CLUSTER_ID_BYTES = 8

_FIND_CLUSTER = "SELECT cluster_id, secret FROM cluster"
# Several processes may start on one database at once: the first one's secret wins.
_FIRST = """
INSERT INTO cluster (cluster_id, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
_ONE_AT_A_TIME = "SELECT FROM cluster FOR UPDATE"
_OTHERS = """
SELECT process, address, protocol, bus, secret_fingerprint, lease_ms
FROM process
WHERE node <> $1 AND seen_at BETWEEN clock_timestamp() - make_interval(secs => $2)
    AND clock_timestamp() + make_interval(secs => $2)
ORDER BY process
"""
_FORGET = """
DELETE FROM process WHERE seen_at < clock_timestamp() - make_interval(secs => $1)
"""
_JOIN = """
INSERT INTO process (
    process, node, pid, address, version, started_at, seen_at, leaving,
    protocol, bus, secret_fingerprint, lease_ms)
VALUES (
    $1, $2, $3, $4, $5, 'epoch'::timestamptz + $6::bigint * interval '1 ms',
    clock_timestamp(), $7, $8, $9, $10, $11)
ON CONFLICT (process) DO UPDATE SET
    seen_at = excluded.seen_at, leaving = excluded.leaving
"""
_COLUMNS = """
process, node, pid, address, version, leaving,
(extract(epoch FROM started_at) * 1000)::bigint AS started_at_ms
"""
# Who was seen in the future lived before the clock was set back; if it still does, it
# says so again within a second.
# The other rows are as they were before this statement, our own is as it leaves it.
_BEAT = f"""
WITH own AS (
    UPDATE process SET seen_at = clock_timestamp(), leaving = $2
    WHERE process = $1 RETURNING *
)
SELECT {_COLUMNS} FROM own
UNION ALL
SELECT {_COLUMNS} FROM process
WHERE process <> $1 AND seen_at BETWEEN clock_timestamp() - make_interval(secs => $3)
    AND clock_timestamp() + make_interval(secs => $3)
ORDER BY process
"""
_LEAVE = "DELETE FROM process WHERE process = $1"
# Locked in one order, so that two who do this at once do not wait for each other.
_VOID = """
WITH gone AS (DELETE FROM process WHERE {who}),
owned AS (
    SELECT event_id FROM event_head
    WHERE owner_address IS NOT NULL AND owner_token IS NOT NULL AND {owner}
    ORDER BY event_id FOR NO KEY UPDATE
)
UPDATE event_head h SET owner_token = NULL, lease_until = '-infinity'
FROM owned WHERE h.event_id = owned.event_id
RETURNING h.event_id
"""
_VOID_PROCESSES = _VOID.format(
    who="process = ANY ($1::text[])", owner="owner_address = ANY ($1::text[])"
)
# Not LIKE: the name of a node may hold its wildcard, the underscore.
_VOID_NODE = _VOID.format(
    who="node = $1",
    owner="(owner_address = $1 OR starts_with(owner_address, $1 || '.'))",
)
# A lease that ends later than any can is of before the clock was set back; who still
# has it renews it soon, and lives.
# What is voided, or given up to the others, keeps the address of who had it: its holds
# must end in time though whoever was told to take it may be dead by now.
_ORPHANS = """
SELECT event_id, owner_address FROM event_head
WHERE owner_address IS NOT NULL
    AND (owner_token IS NULL OR lease_until <= clock_timestamp()
        OR lease_until > clock_timestamp() + make_interval(secs => $2)
        AND NOT EXISTS (SELECT FROM process p WHERE p.process = owner_address
            AND p.seen_at BETWEEN clock_timestamp() - make_interval(secs => $3)
            AND clock_timestamp() + make_interval(secs => $3)))
ORDER BY lease_until, event_id LIMIT $1
"""
_OWNED = """
SELECT event_id, owner_address, epoch, version,
    (extract(epoch FROM lease_until) * 1000)::bigint AS lease_until_ms
FROM event_head
WHERE owner_address IS NOT NULL AND owner_token IS NOT NULL
    AND lease_until > clock_timestamp()
ORDER BY owner_address, event_id LIMIT $1
"""


class ClusterMismatch(Exception):
    """A living process of the same database works on other terms; says which."""


class Process(Struct, frozen=True):
    """One serving process, as the others know it."""

    process: str
    node: str
    pid: int
    address: str | None
    version: str
    started_at_ms: int
    leaving: bool


class Terms(Struct, frozen=True):
    """What all processes of one cluster have to agree on.

    `secret` is a fingerprint of the key that tokens are signed with, or empty where the
    database keeps that key.
    """

    protocol: int
    bus: bool
    secret: str
    lease_ms: int


class OwnedEvent(Struct, frozen=True):
    """An event with an owner whose lease is good: a hint, not a right."""

    event: str
    process: str
    epoch: int
    version: int
    lease_until_ms: int


class Processes:
    """The table of processes, and the ends of leases that it gives reason for.

    Every method raises `Unavailable`, and may then be called again: it changes nothing
    twice. The clock is the database's.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def cluster(self) -> tuple[str, bytes]:
        """Return the cluster's id and its secret; the first to ask makes them."""
        row = await self._pool.fetch_one(_FIND_CLUSTER)
        if row is None:
            made = secrets.token_hex(CLUSTER_ID_BYTES)
            await self._pool.fetch(_FIRST, made, secrets.token_bytes(SECRET_BYTES))
            row = await self._pool.fetch_one(_FIND_CLUSTER)
        if row is None:
            raise LookupError("the row of the cluster vanished")
        return row["cluster_id"], row["secret"]

    async def join(self, process: Process, terms: Terms) -> None:
        """Add a process, if it agrees with all living processes of other nodes.

        Those of its own node are siblings with the same configuration, or dead: whoever
        starts a process holds the lock of the node's data directory. Raises
        `ClusterMismatch`. Joining again, under the same name, renews the row.
        """
        await self.cluster()
        async with self._pool.transaction() as connection:
            # Else two that disagree could join at once, each blind to the other.
            await connection.fetch(_ONE_AT_A_TIME)
            others = await connection.fetch(_OTHERS, process.node, limits.SEEN_S_MAX)
            for row in others:
                _check(row, terms)
            await connection.fetch(_FORGET, limits.FORGOTTEN_S)
            await connection.fetch(
                _JOIN,
                process.process,
                process.node,
                process.pid,
                process.address,
                process.version,
                process.started_at_ms,
                process.leaving,
                terms.protocol,
                terms.bus,
                terms.secret,
                terms.lease_ms,
            )

    async def beat(self, process: str, *, leaving: bool) -> list[Process]:
        """Say that this process lives; return all that do, itself included.

        Without itself where somebody removed it, who knew or believed that it is dead:
        it owns nothing any more and has to join again.
        """
        rows = await self._pool.fetch(_BEAT, process, leaving, limits.SEEN_S_MAX)
        return [
            Process(
                process=row["process"],
                node=row["node"],
                pid=row["pid"],
                address=row["address"],
                version=row["version"],
                started_at_ms=row["started_at_ms"],
                leaving=row["leaving"],
            )
            for row in rows
        ]

    async def leave(self, process: str) -> None:
        """Remove a process that ends in order and has given up its events."""
        await self._pool.fetch(_LEAVE, process)

    async def void(self, processes: list[str]) -> list[str]:
        """End the leases of processes and remove them; return the events they owned.

        The caller knows that they are dead, say as their parent: the events can be
        taken at once. A late commit of theirs is refused.
        """
        return await self._void(_VOID_PROCESSES, processes)

    async def void_node(self, node: str) -> list[str]:
        """Do the same for all former processes of a node.

        The caller knows that none of them lives: it holds the lock of the data
        directory that they had.
        """
        return await self._void(_VOID_NODE, node)

    async def _void(self, sql: str, whose: list[str] | str) -> list[str]:
        return sorted([row["event_id"] for row in await self._pool.fetch(sql, whose)])

    async def orphans(self, limit: int) -> list[tuple[str, str]]:
        """Return events that nobody owns and who had them, the longest ago first.

        Those given up when nothing was due there are not among them.
        """
        rows = await self._pool.fetch(
            _ORPHANS, limit, limits.LEASE_S_MAX, limits.SEEN_S_MAX
        )
        return [(row["event_id"], row["owner_address"]) for row in rows]

    async def owned(self) -> list[OwnedEvent]:
        """Return the events with a good lease, at most `OWNED_MAX`, by process."""
        return [
            OwnedEvent(
                event=row["event_id"],
                process=row["owner_address"],
                epoch=row["epoch"],
                version=row["version"],
                lease_until_ms=row["lease_until_ms"],
            )
            for row in await self._pool.fetch(_OWNED, limits.OWNED_MAX)
        ]


def _check(row: Row, ours: Terms) -> None:
    """Raise `ClusterMismatch` where the process of this row has other terms."""
    theirs = Terms(
        protocol=row["protocol"],
        bus=row["bus"],
        secret=row["secret_fingerprint"],
        lease_ms=row["lease_ms"],
    )
    if theirs == ours:
        return
    differences = " and ".join(
        _difference(field.name, theirs, ours)
        for field in fields(Terms)
        if getattr(theirs, field.name) != getattr(ours, field.name)
    )
    where = "" if row["address"] is None else f" at {row['address']}"
    raise ClusterMismatch(
        f"The process {row['process']}{where} serves from the same database and"
        f" {differences}; stop it first, or start this one as that one was started."
    )


def _difference(name: str, theirs: Terms, ours: Terms) -> str:
    """Say what the other process has, without a word about what the secret is."""
    if name == "protocol":
        return (
            f"speaks version {theirs.protocol} of the protocol between processes, this"
            f" one version {ours.protocol}"
        )
    if name == "bus":
        return (
            f"runs {'with' if theirs.bus else 'without'} a Redis address, this one"
            f" {'with' if ours.bus else 'without'}"
        )
    if name == "secret":
        return "signs tokens with another secret key"
    if name == "lease_ms":
        return f"leases events for {theirs.lease_ms} ms, this one for {ours.lease_ms}"
    raise AssertionError(f"a term without words: {name}")
