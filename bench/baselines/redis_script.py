"""Seats in Redis: one Lua script per hold, atomic but only as durable as its memory."""

import os
import secrets
import sys
from collections.abc import AsyncIterator

import msgspec
import redis.asyncio as redis
from aiohttp import web

from bench.baselines import shell
from inventory.commands import Hold
from inventory.replies import HoldOk, Refused, refuse

CONNECTIONS = 16
"""The best of 1, 4, 16 and 64 on two cores; `BENCH_POOL` sets another."""

SCRIPT = """
-- KEYS: event, taken seats, hold; ARGV: holder, length in s, key, seats …
local event = redis.call('HMGET', KEYS[1], 'sale_state', 'max_per_booking')
if not event[1] then return {0, 'event_not_found'} end
if event[1] ~= 'on_sale' then return {0, 'sale_not_open'} end
local seats = {unpack(ARGV, 4)}
if #seats > tonumber(event[2]) then return {0, 'too_many_seats'} end
for _, taken in ipairs(redis.call('HMGET', KEYS[2], unpack(seats))) do
    if taken then return {0, 'seat_not_free'} end
end
local taken = {}
for _, seat in ipairs(seats) do
    taken[#taken + 1] = seat
    taken[#taken + 1] = KEYS[3]
end
redis.call('HSET', KEYS[2], unpack(taken))
redis.call('SET', KEYS[3], table.concat(seats, ','), 'EX', ARGV[2])
if ARGV[3] ~= '' then
    redis.call('SET', KEYS[1] .. ':' .. ARGV[1] .. ':' .. ARGV[3], KEYS[3], 'EX', 3600)
end
redis.call('HINCRBY', KEYS[1], 'held', #seats)
return {redis.call('HINCRBY', KEYS[1], 'version', 1), 'ok'}
"""


class Shop:
    """The pool, and the script."""

    def __init__(self, client: "redis.Redis") -> None:
        self._script = client.register_script(SCRIPT)

    async def hold(self, user: str, command: Hold) -> HoldOk | Refused:
        """Hold these seats, all or none."""
        seats = command.seats or []
        token = secrets.token_urlsafe(16)
        version, code = await self._script(
            keys=[f"{{{command.event}}}", f"{{{command.event}}}:taken", token],
            args=[user, shell.HOLD_TTL_S, command.key or "", *seats],
        )
        if not version:
            return refuse(code.decode())
        return shell.hold_ok(token, seats, version)


def main() -> None:
    """Serve the events of the plan on stdin until SIGTERM."""
    url, events, seats = msgspec.json.decode(
        sys.stdin.buffer.read(), type=tuple[str, list[str], int]
    )
    size = int(os.environ.get("BENCH_POOL", CONNECTIONS))

    async def shop(app: web.Application) -> AsyncIterator[None]:
        pool = redis.BlockingConnectionPool.from_url(
            url, max_connections=size, timeout=60
        )
        async with redis.Redis(connection_pool=pool) as client:
            for event in events:
                await client.hset(
                    f"{{{event}}}",
                    mapping={
                        "sale_state": "on_sale",
                        "max_per_booking": 100,
                        "free": seats,
                        "held": 0,
                        "version": 0,
                    },
                )
            app[SHOP] = Shop(client)
            yield

    app = web.Application()
    app.cleanup_ctx.append(shop)
    app.router.add_get(
        "/v1/ws", shell.handler(lambda user, command: app[SHOP].hold(user, command))
    )
    shell.serve(app)


SHOP = web.AppKey("shop", Shop)

if __name__ == "__main__":
    main()
