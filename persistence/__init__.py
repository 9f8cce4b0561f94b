"""What survives a restart: Postgres, and everything that is kept in it.

Purpose: start a Postgres where none is given, bring its schema up to date, and
implement the ports that `inventory` declares over it.

Concurrency: starting and stopping the embedded Postgres is synchronous and belongs to
the main thread, before and after the event loop; all else is asyncio over asyncpg.

Invariants: a row that was acknowledged is on the disk. One server process uses a data
directory at a time.

Imports: `inventory` and asyncpg; never `server`.
"""
