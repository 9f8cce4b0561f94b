"""A client's websocket: asks, watches, loses its connection and comes back.

Not `server.transport.client`, which the demo uses, for two reasons. What is measured
has to be told: that client asks again until it is served, so a refusal, a lost
connection or an answer that never came would be a delay, where here each is a fault.
And the crowd runs on the machine whose server it measures: picows calls back in the
read that brought a frame, where aiohttp wakes a task for it. Of a client's own CPU,
with nothing behind the socket, a question and its answer took 20 µs here and 26 there,
and a delta that was heard 3.1 and 3.9 µs, in the quietest of three runs.
"""

import asyncio
from collections import Counter
from typing import Any

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

ANSWER_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 60.0

_TEXT = WSMsgType.TEXT
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class LostError(Exception):
    """The server left us alone: a fault, which its text names."""


class Line:
    """What one client sees of the server, over all its connections."""

    def __init__(self, url: str, token: str, event: str) -> None:
        self.faults: Counter[str] = Counter()
        self.version = -1
        """How far the watched event is known; -1 before the first frame."""

        self.history = ""
        self._url = url
        self._token = token
        self._event = event
        self._ids = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._transport: WSTransport | None = None

    async def enter(self) -> dict[str, Any]:
        """Connect and watch the event, from where we were; return the reply."""
        try:
            await ws_connect(
                lambda: Ear(self),
                self._url,
                websocket_handshake_timeout=CONNECT_TIMEOUT_S,
                extra_headers={"Authorization": f"Bearer {self._token}"},
            )
        except (OSError, TimeoutError) as error:
            raise LostError(f"no connection: {type(error).__name__}") from error
        watch: dict[str, Any] = {"op": "watch"}
        if self.version >= 0:
            watch["since"] = {"history_id": self.history, "version": self.version}
        reply = await self.ask(watch)
        if reply["op"] != "ok":
            raise LostError(f"watch: {reply.get('code')}")
        if not reply["resumed"]:
            self.version = -1
        return reply

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Send a command and wait for its reply."""
        if self._transport is None:
            raise LostError("disconnected")
        self._ids += 1
        number = self._ids
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        frame = {"id": number, "event": self._event, **command}
        self._transport.send(_TEXT, _encode(frame))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                reply: dict[str, Any] = await answer
        except TimeoutError:
            raise LostError("never answered") from None
        finally:
            self._waiting.pop(number, None)
        return reply

    def drop(self) -> None:
        """Lose the connection without a word."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.disconnect(False)

    def leave(self) -> None:
        """Close it."""
        self.drop()

    # -- What the ear hears

    def connected(self, transport: WSTransport) -> None:
        """Remember where to write."""
        self._transport = transport

    def disconnected(self, transport: WSTransport) -> None:
        """Tell a connection that was lost from one that we left."""
        if transport is not self._transport:
            return
        self._transport = None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LostError("disconnected"))

    def hear(self, frame: dict[str, Any]) -> None:
        """Take one frame: a reply, or news of the event."""
        op = frame["op"]
        if op == "delta":
            if self.version >= 0 and frame["from"] != self.version:
                self.faults["gap before a delta"] += 1
            self.version = frame["to"]
        elif op == "snapshot":
            self.history, self.version = frame["history_id"], frame["version"]
        elif frame.get("id") is not None:
            answer = self._waiting.get(frame["id"])
            if answer is None or answer.done():
                self.faults["answer to nothing"] += 1
            else:
                answer.set_result(frame)
        elif op == "bye" or op == "error":
            self.faults[f"{op} {frame.get('code')}"] += 1


class Ear(WSListener):
    """One connection; frames of an earlier one may still come and count for nothing."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Hand the way to write to the line."""
        self._transport = transport
        self._line.connected(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Decode, and hand on."""
        if frame.msg_type is _TEXT:
            self._line.hear(_decode(frame.get_payload_as_bytes()))
        elif frame.msg_type is WSMsgType.CLOSE:
            self._line.faults[f"closed with {frame.get_close_code()}"] += 1
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Hand it on."""
        self._line.disconnected(transport)
