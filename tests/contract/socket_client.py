"""A websocket client that matches replies by id and keeps every frame it saw."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

import aiohttp
import msgspec

Json = dict[str, Any]
REPLY_S = 60.0
CLOSE_S = 60.0


class Closed(Exception):
    """The server closed the connection while we waited."""


class Socket:
    """One connection; `log` holds all frames in the order of their arrival."""

    def __init__(
        self, ws: aiohttp.ClientWebSocketResponse, *, packed: bool = False
    ) -> None:
        self.ws = ws
        self.packed = packed
        self.log: list[Json] = []
        self.raw: list[bytes] = []
        self.strays: list[Json] = []
        self.closed = asyncio.Event()
        self._news = asyncio.Event()
        self._next_id = 0
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._reader = asyncio.create_task(self._read())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.close()
        if kind is None:
            assert not self.strays, "replies to nothing that was asked"

    async def close(self) -> None:
        """Close from our side and stop reading."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self.ws.close()

    @property
    def close_code(self) -> int | None:
        return self.ws.close_code

    # Receiving

    async def _read(self) -> None:
        try:
            async for message in self.ws:
                if message.type == aiohttp.WSMsgType.ERROR:
                    break
                self._take(message)
        finally:
            self.closed.set()
            self._news.set()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Closed(f"closed {self.ws.close_code}"))
                    # Whoever waits gets it; a test that does not wait may not.
                    future.exception()

    def _take(self, message: aiohttp.WSMessage) -> None:
        binary = message.type == aiohttp.WSMsgType.BINARY
        assert binary == self.packed, "a frame of the other subprotocol"
        raw = message.data if binary else message.data.encode()
        frame = msgspec.msgpack.decode(raw) if binary else json.loads(raw)
        self.raw.append(raw)
        self.log.append(frame)
        self._news.set()
        if frame.get("id") is not None:
            future = self._waiting.pop(frame["id"], None)
            if future is None:
                self.strays.append(frame)
            elif not future.done():
                future.set_result(frame)

    async def find(
        self,
        match: Callable[[Json], bool],
        start: int = 0,
        timeout_s: float = REPLY_S,
    ) -> tuple[int, Json]:
        """Wait for the first frame that matches, from an index of the log on."""
        at = start
        async with asyncio.timeout(timeout_s):
            while True:
                while at < len(self.log):
                    if match(self.log[at]):
                        return at, self.log[at]
                    at += 1
                if self.closed.is_set():
                    raise Closed(f"closed {self.close_code}; saw {self.log[-3:]}")
                self._news.clear()
                await self._news.wait()

    async def next(
        self, op: str, start: int = 0, timeout_s: float = REPLY_S, **fields: Any
    ) -> Json:
        """Wait for a server frame of that op with these fields."""
        wanted = {"op": op} | fields
        _, frame = await self.find(
            lambda frame: wanted.items() <= frame.items(), start, timeout_s
        )
        return frame

    def seen(self, op: str, **fields: Any) -> list[Json]:
        """Give the frames of that op that have come so far."""
        wanted = {"op": op} | fields
        return [frame for frame in self.log if wanted.items() <= frame.items()]

    async def close_code_within(self, timeout_s: float = CLOSE_S) -> int | None:
        """Wait for the server to close and give its code."""
        async with asyncio.timeout(timeout_s):
            await self.closed.wait()
        return self.close_code

    # Sending

    async def send_text(self, text: str) -> None:
        await self.ws.send_str(text)

    async def send_bytes(self, raw: bytes) -> None:
        await self.ws.send_bytes(raw)

    async def send_frame(self, frame: Json) -> None:
        """Send any object as this subprotocol does."""
        if self.packed:
            await self.ws.send_bytes(msgspec.msgpack.encode(frame))
        else:
            await self.ws.send_str(json.dumps(frame))

    async def post(self, op: str, **fields: Any) -> asyncio.Future[Json]:
        """Send a command and give the future of its reply."""
        self._next_id += 1
        frame: Json = {"op": op, "id": self._next_id} | fields
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[self._next_id] = future
        await self.send_frame(frame)
        return future

    async def ask(self, op: str, **fields: Any) -> Json:
        """Send a command and wait for its reply."""
        future = await self.post(op, **fields)
        async with asyncio.timeout(REPLY_S):
            return await future

    async def ok(self, op: str, **fields: Any) -> Json:
        """Send a command that must be accepted."""
        reply = await self.ask(op, **fields)
        assert reply["op"] == "ok", (op, fields, reply)
        return reply

    async def refused(self, code: str, op: str, **fields: Any) -> Json:
        """Send a command that must be refused for that reason."""
        reply = await self.ask(op, **fields)
        assert (reply["op"], reply.get("code")) == ("refused", code), (op, reply)
        assert isinstance(reply["detail"], str)
        assert isinstance(reply["transient"], bool)
        return reply

    async def watch(self, event: str, since: Json | None = None) -> "Board":
        """Watch an event and give the board that its frames keep up to date."""
        start = len(self.log)
        fields = {} if since is None else {"since": since}
        reply = await self.ok("watch", event=event, **fields)
        return Board(self, event, reply["resumed"], start)


class Board:
    """What a watcher knows of an event, kept by the contract's rules alone."""

    def __init__(self, socket: Socket, event: str, resumed: bool, start: int) -> None:
        self.socket = socket
        self.event = event
        self.resumed = resumed
        self.history_id = ""
        self.version = -1
        self.seats: list[str] = []
        self.areas: dict[str, Json] = {}
        self.deltas: list[Json] = []
        self._at = start

    def adopt(self, former: "Board") -> "Board":
        """Go on from the state of an earlier connection that was resumed."""
        self.history_id = former.history_id
        self.version = former.version
        self.seats = list(former.seats)
        self.areas = dict(former.areas)
        return self

    @property
    def position(self) -> Json:
        return {"history_id": self.history_id, "version": self.version}

    @property
    def letters(self) -> str:
        return "".join(self.seats)

    async def reach(self, version: int = 0, timeout_s: float = REPLY_S) -> Self:
        """Take frames until the board is at that version or later."""
        async with asyncio.timeout(timeout_s):
            while self.version < version:
                await self.step()
        return self

    async def step(self) -> Json:
        """Take the next snapshot or delta of this event."""
        at, frame = await self.socket.find(
            lambda frame: (
                frame.get("event") == self.event
                and frame["op"] in {"snapshot", "delta"}
            ),
            self._at,
        )
        self._at = at + 1
        if frame["op"] == "snapshot":
            self._snapshot(frame)
        else:
            self._delta(frame)
        return frame

    def _snapshot(self, frame: Json) -> None:
        assert isinstance(frame["epoch"], int)
        self.history_id = frame["history_id"]
        self.version = frame["version"]
        self.seats = list(frame["seats"])
        self.areas = dict(frame["areas"])

    def _delta(self, frame: Json) -> None:
        assert self.version >= 0, "a delta before any snapshot"
        assert frame["history_id"] == self.history_id
        assert isinstance(frame["epoch"], int)
        assert frame["from"] == self.version, "a hole between two deltas"
        assert frame["to"] > frame["from"]
        self.version = frame["to"]
        self.deltas.append(frame)
        touched: set[int] = set()
        for letter, indices in frame["seats"].items():
            assert letter in set("fhbxo")
            assert touched.isdisjoint(indices), "one seat under two letters"
            touched.update(indices)
            for index in indices:
                self.seats[index] = letter
        self.areas.update(frame["areas"])
