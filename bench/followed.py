"""How far behind is what follows from bookings: tickets, notices and webhooks, all on.

The event is of an organisation with a webhook, whose receiver takes whatever comes; the
buyers have accounts with an address, so each booking is a ticket, a notice, a mail and
a delivery. Seats are booked at a steady rate, and now and then it is asked how long the
oldest booking waits for the follower that is furthest behind.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Final

import asyncpg
import msgspec

from bench import arena
from bench.children import ChildError
from bench.contenders import start_module
from bench.lab import Lab
from bench.line import Line
from bench.shop import Shop

SELLERS: Final = 40
"""Accounts that book, each over a connection of its own."""

LOOK_S: Final = 0.25
FOLLOWED: Final = ("tickets", "notices", "hooks")
FOLLOWED_S: Final = 60.0

Paced = Callable[
    [float, int, Callable[[int], Awaitable[float]]], Awaitable[list[float]]
]

_LAG: Final = re.compile(r'^onsale_follower_lag_seconds\{.*follower="(\w+)".*\} (\S+)$')


class Behind(msgspec.Struct):
    """What was seen of followers while there was a load."""

    lags_s: list[float]
    """Of the one that was furthest behind, at each look; sorted."""
    per_second: float
    made: dict[str, int]
    """What there was of each kind at the end."""


async def open_organisation(stack: AsyncExitStack, lab: Lab, shop: Shop) -> str:
    """Make an organisation with a webhook whose receiver answers 200."""
    stdin = msgspec.json.encode(("text/plain", b"ok"))
    child = await start_module(stack, lab, "bench.baselines.page", stdin=stdin)
    made = await shop.office.ask("POST", "/v1/organisations", {"name": "Bench"})
    path = f"/v1/organisations/{made['id']}/hooks"
    await shop.office.ask("POST", path, {"url": f"http://{await child.address()}/"})
    return str(made["id"])


async def accounts(shop: Shop, count: int) -> list[str]:
    """Return tokens of so many accounts whose addresses are known to be theirs."""
    tokens = []
    for number in range(count):
        password = secrets.token_urlsafe(16)
        account = {
            "email": f"buyer{number}@example.org",
            "password": password,
            "name": f"Buyer {number}",
        }
        made = await shop.office.ask("POST", "/v1/auth/register", account)
        tokens.append(str(made["access_token"]))
    connection = await asyncpg.connect(shop.office.database_url)
    try:
        # As each had followed the link in its mail.
        await connection.execute("UPDATE account SET verified_at = now()")
    finally:
        await connection.close()
    return tokens


async def measure_behind(
    stack: AsyncExitStack,
    lab: Lab,
    shop: Shop,
    paced: Paced,
    rate: float,
    seconds: float,
) -> Behind:
    """Book at a rate; return how far followers were behind, and the rate there was."""
    organisation = await open_organisation(stack, lab, shop)
    (event,) = await shop.office.open_sales(1, prices={}, organisation=organisation)
    url, count = f"ws://{shop.office.address}/v1/ws", int(rate * seconds)
    tokens = await accounts(shop, SELLERS)
    lines = [Line(url, token, event) for token in tokens]
    await asyncio.gather(*(line.enter() for line in lines))

    async def book(number: int) -> float:
        line = lines[number % SELLERS]
        seats = [arena.label_of(number)]
        held = await line.ask({"op": "hold", "seats": seats})
        booked = await line.ask({"op": "book", "hold": held["hold"]})
        if booked["op"] != "ok":
            raise ChildError(f"a booking was refused: {booked}")
        return perf_counter()

    begun = perf_counter()
    selling = asyncio.ensure_future(paced(rate, count, book))
    lags = []
    while not selling.done():
        await asyncio.sleep(LOOK_S)
        lags.append(await _furthest(shop))
    await selling
    took_s = perf_counter() - begun
    for line in lines:
        line.leave()
    made = await _made(shop, event, count)
    return Behind(sorted(lags), count / took_s, made)


async def _furthest(shop: Shop) -> float:
    """Return how long the oldest change waits for the last of the followers."""
    found = {}
    for line in (await shop.office.metrics()).splitlines():
        match = _LAG.match(line)
        if match is not None:
            found[match[1]] = float(match[2])
    if missing := set(FOLLOWED) - found.keys():
        raise ChildError(f"nobody tells how far these are: {sorted(missing)}")
    return max(found[name] for name in FOLLOWED)


async def _made(shop: Shop, event: str, count: int) -> dict[str, int]:
    """Wait until all of it is made; return how much there is of each kind."""
    queries = {
        "tickets": "SELECT count(*) FROM ticket WHERE event_id = $1",
        "notices": "SELECT count(*) FROM notice WHERE event_id = $1",
        "mails": "SELECT count(*) FROM mail WHERE event_id = $1",
        "deliveries": "SELECT count(*) FROM hook_delivery"
        " WHERE type = 'ticket.issued' AND body LIKE '%' || $1 || '%'",
    }
    made: dict[str, int] = {}
    connection = await asyncpg.connect(shop.office.database_url)
    try:
        async with asyncio.timeout(FOLLOWED_S):
            while len(made) < len(queries):
                for name, query in queries.items():
                    found = await connection.fetchval(query, event)
                    if found >= count:
                        made[name] = found
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise ChildError(f"of {count} bookings there is only {made}") from None
    finally:
        await connection.close()
    return made
