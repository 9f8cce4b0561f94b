"""A real Postgres and a real Valkey of our own, for everyone who brings none.

Purpose: `EmbeddedPostgres(DataDirectory(path)).start()` gives a URL for asyncpg over a
unix socket that nobody else can reach. Nothing listens on a port. `EmbeddedValkey` does
the same for redis-py; it carries messages between processes and keeps nothing.

Lifecycle: called from the main thread before the event loop, and after it. On Linux
Postgres shuts down by a signal of the kernel as soon as the process that started it is
gone, `kill -9` included; elsewhere a small watchdog notices within a second. The next
start waits for the former one to be gone. Valkey is killed in the same way.

Invariants: nothing here weakens durability (fsync, full page writes and checksums are
on), changes the mode of a directory that is not ours, or runs Postgres as root.

Imports: standard library, asyncpg, `persistence.data_directory`.
"""

from persistence.embedded.account import EmbeddedPostgresError
from persistence.embedded.cluster import EmbeddedPostgres, running_url
from persistence.embedded.places import discard
from persistence.embedded.valkey import EmbeddedValkey, EmbeddedValkeyError

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "EmbeddedValkey",
    "EmbeddedValkeyError",
    "discard",
    "running_url",
]
