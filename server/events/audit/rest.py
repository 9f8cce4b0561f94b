"""The audit receipt of one event, made by a child process.

A replay of a whole journal is seconds of pure computation: in a process of its own it
stalls no sale, and what it finds does not rest on what this process believes.
"""

import asyncio
import sys
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web

from persistence.environment import python_environment
from server.base.paths import PROJECT
from server.events.audit.receipts import RECEIPT_KEY, PublicKey
from server.events.catalogue.rest import find_managed_event
from server.transport.http.app_keys import INSTANCE, SETTINGS
from server.transport.http.problems import OVERLOADED, UNAVAILABLE, ProblemError
from server.transport.rest.call import Call
from server.transport.rest.route import EVENT, Route

AUDIT_TIMEOUT_S: Final = 120
WAITING_S: Final = 10

log = structlog.get_logger()


AUDITS: Final = web.AppKey("audits", asyncio.Semaphore)
"""How many audits run at the same time: each is a process of its own."""


async def show_audit(call: Call) -> web.Response:
    """Replay the event's journal, compare with the tables, show the receipt."""
    event = await find_managed_event(call)
    audits = call[AUDITS]
    try:
        async with asyncio.timeout(WAITING_S):
            await audits.acquire()
    except TimeoutError as error:
        raise ProblemError(OVERLOADED, "Another audit is under way.") from error
    try:
        receipt = await run_audit(
            event.id, call[INSTANCE].database_url, call[SETTINGS].secret_key
        )
    finally:
        audits.release()
    return call.answer(receipt)


async def show_receipt_key(call: Call) -> web.Response:
    """Show the public half of the key that receipts are signed with."""
    return call.read(call[RECEIPT_KEY])


async def run_audit(
    event: str, database_url: str, secret_key: str | None
) -> dict[str, Any]:
    """Return the receipt that the child prints."""
    # Secrets go by the environment, where other users of the machine cannot read them,
    # and nothing else of ours goes along.
    environment = python_environment()
    environment["DATABASE_URL"] = database_url
    if secret_key is not None:
        environment["ONSALE_SECRET_KEY"] = secret_key
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        "audit",
        event,
        "--json",
        cwd=PROJECT,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(AUDIT_TIMEOUT_S):
            output, errors = await child.communicate()
    except TimeoutError as error:
        raise ProblemError(UNAVAILABLE, "The audit took too long.") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    # 0 says that all is well and 1 that something differs; both print a receipt.
    if child.returncode not in (0, 1):
        log.error(
            "audit failed", event_id=event, errors=errors.decode("utf-8", "replace")
        )
        raise ProblemError(UNAVAILABLE, "The audit could not be made.")
    try:
        receipt: dict[str, Any] = msgspec.json.decode(output)
    except msgspec.DecodeError as error:
        log.error(
            "audit failed", event_id=event, errors=errors.decode("utf-8", "replace")
        )
        raise ProblemError(UNAVAILABLE, "The audit could not be made.") from error
    return receipt


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/v1/events/{event}/audit",
        handler=show_audit,
        name="show_audit",
        summary="Replay the journal, compare with the tables, sign the receipt",
        tag="Events",
        access="manager",
        scope="events:read",
        answers=dict[str, Any],
        problems=(*EVENT, OVERLOADED),
    ),
    Route(
        method="GET",
        path="/v1/receipt-key",
        handler=show_receipt_key,
        name="show_receipt_key",
        summary="Show the public key that the receipts of audits are signed with",
        tag="Events",
        access="anyone",
        scope="events:read",
        answers=PublicKey,
        cached=True,
    ),
)
