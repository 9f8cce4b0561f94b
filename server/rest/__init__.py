"""The contract over HTTP: requests in, committed answers out.

Purpose: one file per capability holds its handlers; `routes.py` is the one table that
names them all, with who may call them and what goes in and out. `/openapi.json` is made
from that table, so nothing is served that is not described.

Concurrency: handlers are plain coroutines of aiohttp. Reads come from the committed
board or from Postgres and never enter an actor's mailbox; writes are commands to the
actor and answer after its commit.

Invariants: every refusal leaves as a problem document with a code of the contract; no
answer contains a stack trace, SQL or the hold token of somebody else.

Imports: `inventory`, `persistence` and the rest of `server`; aiohttp and msgspec.
"""
