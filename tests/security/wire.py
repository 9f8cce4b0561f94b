"""A websocket client that keeps no rule it was not told to keep."""

import asyncio
import base64
import json
import secrets
from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ANSWER_S = 60.0
JSON, MSGPACK = "onsale.v1.json", "onsale.v1.msgpack"

Frame = tuple[int, bytes]


def masked(payload: bytes, mask: bytes) -> bytes:
    if mask == bytes(4):
        return payload
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = b"\x12\x34\x56\x78",
    declared: int | None = None,
    wide: int = 0,
) -> bytes:
    """Build a frame; `declared` lies about its length, `wide` spends bytes on it."""
    length = len(payload) if declared is None else declared
    head = bytes([(fin << 7) | (reserved << 4) | opcode])
    bit = 0 if mask is None else 0x80
    if length < 126 and wide == 0:
        head += bytes([bit | length])
    elif length < 65_536 and wide < 8:
        head += bytes([bit | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + length.to_bytes(8, "big")
    return head + (payload if mask is None else mask + masked(payload, mask))


def request(
    token: str | None, protocol: str = JSON, headers: Iterable[tuple[str, str]] = ()
) -> bytes:
    """Build a handshake."""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    lines = [
        "GET /v1/ws HTTP/1.1",
        "Host: onsale.test",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        f"Sec-WebSocket-Protocol: {protocol}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Ended(Exception):
    """The connection ended, in an orderly way or not."""


class Raw:
    """One connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.protocol = JSON

    @classmethod
    async def connect(cls, url: str, limit: int = 2**20) -> Self:
        address = urlsplit(url)
        return cls(
            *await asyncio.open_connection(address.hostname, address.port, limit=limit)
        )

    @classmethod
    async def open(cls, url: str, token: str | None, protocol: str = JSON) -> Self:
        """Connect and shake hands."""
        raw = await cls.connect(url)
        raw.protocol = protocol
        status = await raw.ask(request(token, protocol))
        if status != 101:
            raw.abort()
            raise Ended(f"handshake: {status}")
        return raw

    async def ask(self, head: bytes) -> int:
        """Send a request's head and give the status of the answer."""
        self.writer.write(head)
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self.reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Ended(repr(error)) from error
        return int(answer.split(b" ", 2)[1])

    def send(self, *pieces: bytes) -> None:
        """Write without waiting that it is taken."""
        for piece in pieces:
            self.writer.write(piece)

    def encode(self, value: Any) -> bytes:
        """Encode one message as this connection's subprotocol does."""
        if self.protocol == MSGPACK:
            return frame(BINARY, msgspec.msgpack.encode(value))
        return frame(TEXT, json.dumps(value).encode())

    def decode(self, payload: bytes) -> dict[str, Any]:
        decode = msgspec.msgpack.decode if self.protocol == MSGPACK else json.loads
        value = decode(payload)
        assert isinstance(value, dict)
        return value

    async def read(self) -> Frame:
        """Read one frame of the server, which neither masks nor splits."""
        take = self.reader.readexactly
        try:
            async with asyncio.timeout(ANSWER_S):
                first, second = await take(2)
                length = second
                if second == 126:
                    length = int.from_bytes(await take(2), "big")
                elif second == 127:
                    length = int.from_bytes(await take(8), "big")
                assert first & 0xF0 == 0x80
                assert length < 2**26
                return first & 0x0F, await take(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Ended(repr(error)) from error

    async def rest(self) -> bytes:
        """Read until the server closes its side."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self.reader.read()
        except OSError as error:
            raise Ended(repr(error)) from error

    def abort(self) -> None:
        self.writer.transport.abort()
