"""One buyer's websocket: commands that survive a lost connection, and watching.

A command is sent with a key. Whatever becomes of the connection, it is sent again with
the same key until the answer is not "not now", so it has at most one effect.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from random import Random
from time import perf_counter
from typing import Any

import aiohttp
import msgspec

from server.transport.client.board import Board, Frame
from server.transport.client.latencies import Latencies

REPLY_TIMEOUT_S = 15.0
ATTEMPTS_MAX = 12
BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 5.0
PUBLICATIONS = frozenset({"snapshot", "delta", "beat"})

encode = msgspec.json.Encoder().encode
decode: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


class ConnectionLostError(Exception):
    """The connection went away before the answer came."""


class GaveUpError(Exception):
    """The server did not take the command, however often it was asked."""


class Traffic:
    """What all lines count together."""

    def __init__(self) -> None:
        self.commands = 0
        self.refused = 0
        self.retries = 0
        self.connected = 0
        self.latencies = Latencies()


class Client:
    """The connection of one guest, made again whenever it is lost.

    `pushed` is given what the server tells unasked and nobody else here takes.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        event: str,
        traffic: Traffic,
        random: Random,
        board: Board | None = None,
        pushed: Callable[[Frame], None] | None = None,
    ) -> None:
        self._http = http
        self._event = event
        self._traffic = traffic
        self._random = random
        self._board = board
        self._pushed = pushed
        self._token: str | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Frame | None]] = {}
        self._hearing: dict[
            tuple[str, str], tuple[Container[str], asyncio.Future[None]]
        ] = {}
        self._last_id = 0
        self._keys = 0
        self._watch_id = 0

    async def command(self, frame: Frame, *, cut: bool = False) -> Frame:
        """Send a command until it is answered for good, and return that answer.

        With `cut` the connection breaks once, between the sending and the answer.
        Raises `GaveUpError`.
        """
        self._keys += 1
        return await self._insist({**frame, "key": f"purchase-{self._keys}"}, cut=cut)

    async def ask(self, frame: Frame) -> Frame:
        """Send a question, which needs no key, until it is answered."""
        return await self._insist(frame)

    async def _insist(self, frame: Frame, *, cut: bool = False) -> Frame:
        frame = {**frame, "event": self._event}
        for attempt in range(ATTEMPTS_MAX):
            try:
                await self.connect()
                reply = await self._exchange(frame, cut=cut and attempt == 0)
            except (ConnectionLostError, aiohttp.ClientError, OSError, TimeoutError):
                self._traffic.retries += 1
                await self.close()
                await self._back_off(attempt, 0)
                continue
            if reply["op"] == "ok" or not reply.get("transient", False):
                self._traffic.refused += reply["op"] != "ok"
                return reply
            self._traffic.retries += 1
            await self._back_off(attempt, reply.get("retry_after_ms", 0))
        raise GaveUpError(f"{frame['op']} was not taken in {ATTEMPTS_MAX} attempts.")

    async def post(self, path: str, body: object = None) -> Frame:
        """Ask for something over REST until it is answered for good, under one key.

        Returns the document, or the problem, which has a `code`. Raises `GaveUpError`.
        """
        self._keys += 1
        return await self._request("POST", path, body, f"request-{self._keys}")

    async def get(self, path: str) -> Frame:
        """Read something over REST, as `post` does."""
        return await self._request("GET", path)

    @contextmanager
    def hearing(
        self, op: str, about: str, statuses: Container[str]
    ) -> Iterator[asyncio.Future[None]]:
        """Give a future that ends with the first frame that tells one of the statuses.

        It may never: what is told while there is no connection is told to nobody.
        """
        told = asyncio.get_running_loop().create_future()
        self._hearing[op, about] = statuses, told
        try:
            yield told
        finally:
            del self._hearing[op, about]

    async def _request(
        self, method: str, path: str, body: object = None, key: str = ""
    ) -> Frame:
        headers = {"Authorization": f"Bearer {self._token}"}
        if key:
            headers["Idempotency-Key"] = key
        for attempt in range(ATTEMPTS_MAX):
            try:
                async with (
                    asyncio.timeout(REPLY_TIMEOUT_S),
                    self._http.request(
                        method, path, json=body, headers=headers
                    ) as answer,
                ):
                    found = decode.decode(await answer.read())
            except (aiohttp.ClientError, OSError, TimeoutError):
                found = {"transient": True}
            if not found.get("transient", False):
                return found
            self._traffic.retries += 1
            await self._back_off(attempt, found.get("retry_after_ms", 0))
        raise GaveUpError(f"{path} was not answered in {ATTEMPTS_MAX} attempts.")

    async def connect(self) -> None:
        """Make the connection where there is none, as the guest we already are."""
        if self._ws is not None and not self._ws.closed:
            return
        await self.close()
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            if self._token is None:
                async with self._http.post("/v1/auth/guest") as answer:
                    answer.raise_for_status()
                    self._token = (await answer.json())["access_token"]
            self._ws = await self._http.ws_connect(
                "/v1/ws",
                protocols=["onsale.v1.json"],
                headers={"Authorization": f"Bearer {self._token}"},
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
            )
        self._traffic.connected += 1
        self._reader = asyncio.create_task(self._read(self._ws))
        if self._board is not None:
            await self._watch(self._ws, self._board)

    async def close(self) -> None:
        """End the connection, if there is one, and the task that reads it."""
        ws, self._ws = self._ws, None
        reader, self._reader = self._reader, None
        if ws is not None:
            self._traffic.connected -= 1
            await ws.close()
        if reader is not None:
            await reader

    async def _exchange(self, frame: Frame, *, cut: bool) -> Frame:
        ws = self._ws
        if ws is None:
            raise ConnectionLostError
        self._last_id += 1
        frame_id = self._last_id
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[frame_id] = waiting
        started = perf_counter()
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                await ws.send_str(encode({**frame, "id": frame_id}).decode())
                if cut:
                    cut_wire(ws)
                reply: Frame | None = await waiting
        finally:
            del self._waiting[frame_id]
        if reply is None:
            raise ConnectionLostError
        self._traffic.commands += 1
        self._traffic.latencies.add((perf_counter() - started) * 1000)
        return reply

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Hand every frame to whom it is for, until the connection ends."""
        try:
            async for message in ws:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                await self._take(ws, decode.decode(message.data))
        except (aiohttp.ClientError, OSError):
            # A lost connection, however it shows: the next command makes a new one.
            pass
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_result(None)

    async def _take(self, ws: aiohttp.ClientWebSocketResponse, frame: Frame) -> None:
        frame_id: Any = frame.get("id")
        waiting = self._waiting.get(frame_id) if frame_id is not None else None
        if waiting is not None and not waiting.done():
            waiting.set_result(frame)
        elif frame_id is not None and frame_id == self._watch_id:
            self._watch_id = 0
        elif frame["op"] in PUBLICATIONS and self._watch_id == 0:
            # What comes before the answer to `watch` belongs to the former watch.
            await self._take_publication(ws, frame)
        elif (frame["op"], frame.get(frame["op"])) in self._hearing:
            # A frame of something names it by its own name: an order in `order`.
            statuses, told = self._hearing[frame["op"], frame[frame["op"]]]
            if frame.get("status") in statuses and not told.done():
                told.set_result(None)
        elif frame_id is None and self._pushed is not None:
            self._pushed(frame)

    async def _take_publication(
        self, ws: aiohttp.ClientWebSocketResponse, frame: Frame
    ) -> None:
        if self._board is not None and not self._board.take(frame):
            await self._send(ws, {"op": "unwatch", "event": self._event})
            await self._watch(ws, self._board)

    async def _watch(self, ws: aiohttp.ClientWebSocketResponse, board: Board) -> None:
        """Watch from the board's position on; the reader takes the answer."""
        frame: Frame = {"op": "watch", "event": self._event}
        if board.since is not None:
            frame["since"] = board.since
        self._watch_id = self._last_id + 1
        await self._send(ws, frame)

    async def _send(self, ws: aiohttp.ClientWebSocketResponse, frame: Frame) -> None:
        self._last_id += 1
        await ws.send_str(encode({**frame, "id": self._last_id}).decode())

    async def _back_off(self, attempt: int, asked_ms: int) -> None:
        """Wait longer each time, not in step with others, at least what was asked."""
        longest_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2**attempt)
        pause_s = self._random.uniform(longest_s / 2, longest_s)
        await asyncio.sleep(max(pause_s, asked_ms / 1000))


def cut_wire(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Break the connection below websocket and client, as a tunnel does to a train."""
    endpoint = ws.get_extra_info("socket")
    if endpoint is None:
        return
    # A duplicate, because the loop keeps the original to itself.
    with socket.socket(fileno=os.dup(endpoint.fileno())) as wire:
        try:
            wire.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It was cut already, by somebody else.
            return
