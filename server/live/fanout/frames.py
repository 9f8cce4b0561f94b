"""Frames: what every client sends, what the server says unasked, and their bytes.

msgspec does everything typed; the two subprotocols differ only in their codec. What
else a client may send is in the table of `server.live.websocket.frame_table`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from struct import pack
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

from inventory.commands import (
    Block,
    ClientCommand,
    FrameId,
    Hold,
    Release,
    Unblock,
)
from inventory.faults import Fault, Faults, FaultyError, convert, summary
from inventory.replies import Ok
from inventory.words import words_for
from server.transport.rest.bodies import note_bad_text

JSON_PROTOCOL: Final = "onsale.v1.json"
MSGPACK_PROTOCOL: Final = "onsale.v1.msgpack"


class Frame(Struct, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    """A client frame that is not about an event's stock."""

    id: FrameId


class Hello(Frame, tag="hello"):
    """Say who is there."""

    token: str


class Ping(Frame, tag="ping"):
    """Ask for a sign of life."""


SessionFrame = Hello | Ping
ClientFrame = Frame | ClientCommand


class HelloOk(Ok, tag="ok"):
    """The caller, and the limits of the connection."""

    user: dict[str, str]
    protocol: int
    limits: dict[str, float]


class Snapshot(Struct, tag_field="op", tag="snapshot"):
    """The whole board: one letter per seat index, and all areas."""

    event: str
    history_id: str
    epoch: int
    version: int
    seats: str
    areas: dict[str, dict[str, int]]


class Delta(Struct, tag_field="op", tag="delta", rename={"base": "from"}):
    """What changed after `from`, up to `to`: seat indexes by their new letter."""

    event: str
    history_id: str
    epoch: int
    base: int
    to: int
    seats: dict[str, list[int]]
    areas: dict[str, dict[str, int]]


class Beat(Struct, tag_field="op", tag="beat"):
    """Nothing changed; the version tells whether anything was missed."""

    event: str
    history_id: str
    epoch: int
    version: int


class Sale(Struct, tag_field="op", tag="sale"):
    """The sale state changed."""

    event: str
    status: str


class Expired(Struct, tag_field="op", tag="expired"):
    """The caller's hold ran out: 5 seconds after its `expires_at`, and free for all."""

    event: str
    hold: str
    seats: list[str]
    areas: dict[str, int]


class Bye(Struct, tag_field="op", tag="bye"):
    """The server closes the connection."""

    code: int
    reason: str
    retry_after_ms: int


class ErrorFrame(Struct, tag_field="op", tag="error"):
    """The server could not understand a frame; nothing happened."""

    id: int | None
    code: Literal["bad_frame", "unknown_op", "bad_field"]
    detail: str


def is_utf8(data: bytes) -> bool:
    """Return whether these bytes are UTF-8, as all text on a websocket must be."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class NotUtf8(Exception):
    """A text frame is not UTF-8: its connection ends with 1007 (RFC 6455, 8.1)."""


_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


# `isinstance` takes long with a union, and with a struct that is not of that very type.
COMMANDS: Final = frozenset(get_args(ClientCommand))
_WITH_SEATS: Final = (Hold, Release, Block, Unblock)
_CHECKED: Final = frozenset(_WITH_SEATS)


class FrameError(Exception):
    """A frame or command that cannot be understood, and all that is wrong with it."""

    def __init__(
        self,
        code: Literal["bad_frame", "unknown_op", "bad_field"],
        detail: str,
        frame_id: int | None = None,
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.frame_id = frame_id
        self.faults = faults


class Codec:
    """One subprotocol: how frames become bytes, and what makes objects of bytes."""

    def __init__(
        self,
        name: str,
        opcode: int,
        decoder: Callable[[Any], Any],
        decode_any: Callable[[bytes], object],
        encode: Callable[[object], bytes],
        null: bytes,
    ) -> None:
        self.name = name
        self.binary = opcode == 2
        self.decoder = decoder
        """Makes the decoder of a type."""
        self.decode_any = decode_any
        self.null = null
        """How U+0000 is written in a string."""
        self._head = 0x80 | opcode
        self._encode = encode

    def pack(self, frame: object) -> bytes:
        """Encode a server frame with its websocket header, ready for the transport."""
        payload = self._encode(frame)
        size = len(payload)
        if size < 126:
            return bytes((self._head, size)) + payload
        if size < 65_536:
            return pack("!BBH", self._head, 126, size) + payload
        return pack("!BBQ", self._head, 127, size) + payload


class FrameDecoder:
    """Decodes the client frames of some types, in one subprotocol."""

    def __init__(self, codec: Codec, kinds: Iterable[type[ClientFrame]]) -> None:
        kinds = list(kinds)
        self._codec = codec
        self._kinds = by_op(kinds)
        self._decode: Callable[[bytes], ClientFrame]
        self._decode = codec.decoder(reduce(or_, kinds)).decode
        self._null = codec.null

    def decode(self, data: bytes) -> ClientFrame:
        """Decode one client frame; raise `FrameError` with its id where it has one.

        Raises `NotUtf8` where that is what is wrong with a text frame.
        """
        decode = self._decode
        try:
            frame = decode(data)
        except _UNREADABLE:
            # What decodes is UTF-8, so that nothing else has to be looked at for it.
            if not self._codec.binary and not is_utf8(data):
                raise NotUtf8 from None
            raise self._error(data) from None
        if data.find(self._null) >= 0:
            _refuse_null(frame)
        if type(frame) in _CHECKED:
            check_command(frame)
        return frame

    def _error(self, data: bytes) -> FrameError:
        """Say what is wrong with a frame that did not decode."""
        try:
            value = self._codec.decode_any(data)
        except UnicodeDecodeError:
            return FrameError("bad_field", "A string is not valid Unicode.")
        except (*_UNREADABLE, ValueError):
            return FrameError("bad_frame", f"Not a frame of {self._codec.name}.")
        if not isinstance(value, dict):
            return FrameError("bad_frame", "A frame is one object.")
        frame_id = value.get("id")
        if (
            isinstance(frame_id, bool)
            or not isinstance(frame_id, int)
            or not -(2**53) <= frame_id <= 2**53
        ):
            frame_id = None
        return misfit(value, self._kinds, frame_id)


def by_op(kinds: Iterable[type[ClientFrame]]) -> dict[str, type[ClientFrame]]:
    """Return types of frames by their op."""
    return {str(kind.__struct_config__.tag): kind for kind in kinds}


def misfit(
    value: dict[str, Any],
    kinds: Mapping[str, type[ClientFrame]],
    frame_id: int | None,
    faults: Faults | None = None,
) -> FrameError:
    """Say all that is wrong with a frame, beside the `faults` that were found."""
    faults = Faults() if faults is None else faults
    op = value.get("op")
    try:
        note_bad_text(value, faults)
        if isinstance(op, str) and not faults.is_faulty("op"):
            if op not in kinds:
                return FrameError("unknown_op", "There is no such op.", frame_id)
            for fault in _command_faults(convert(value, kinds[op], faults)):
                faults.add(*fault)
        elif "op" in value:
            faults.add("op", words_for(str, op))
        else:
            faults.add("op", "This is missing.")
        found = faults.all()
    except FaultyError as error:
        found = error.faults
    return bad_fields(found, frame_id)


def bad_fields(found: Sequence[Fault], frame_id: int | None) -> FrameError:
    """Return the error for a frame's faults, of which there is one."""
    return FrameError("bad_field", summary(found), frame_id, found)


def check_command(command: ClientFrame) -> None:
    """Refuse what the types cannot say: something to take, and nothing twice."""
    found = _command_faults(command)
    if found:
        raise bad_fields(found, command.id)


def _command_faults(command: ClientFrame) -> list[Fault]:
    if not isinstance(command, _WITH_SEATS):
        return []
    seats = command.seats
    if seats is None and command.areas is None and not isinstance(command, Release):
        return [Fault("seats", "Name seats or areas.")]
    if seats is not None and len(set(seats)) != len(seats):
        twice = next(one for one, times in Counter(seats).items() if times > 1)
        return [Fault("seats", f"{twice!r} is named twice.")]
    return []


def parse_command(body: dict[str, Any], event: str, frame_id: int) -> ClientCommand:
    """Make a command of a REST body: one command object without its event."""
    given = {"id": frame_id, **body, "event": event}
    if "event" in body:
        faults = Faults()
        faults.add("event", "The path names the event.")
        raise misfit(given, by_op(COMMANDS), frame_id, faults)
    try:
        command: ClientCommand = msgspec.convert(given, ClientCommand)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
        raise misfit(given, by_op(COMMANDS), frame_id) from None
    _refuse_null(command)
    check_command(command)
    return command


def _refuse_null(frame: ClientFrame) -> None:
    """Refuse U+0000 in any string: no database and no terminal takes it well."""
    faults = Faults()
    note_bad_text(msgspec.to_builtins(frame), faults)
    if faults:
        raise bad_fields(faults.all(), frame.id)


JSON: Final = Codec(
    JSON_PROTOCOL,
    1,
    msgspec.json.Decoder,
    # The standard library reads lone surrogates, which lets us name them. By itself it
    # takes UTF-16 for text as well.
    lambda data: json.loads(data.decode()),
    msgspec.json.Encoder().encode,
    b"\\u0000",
)
MSGPACK: Final = Codec(
    MSGPACK_PROTOCOL,
    2,
    msgspec.msgpack.Decoder,
    msgspec.msgpack.Decoder().decode,
    msgspec.msgpack.Encoder().encode,
    b"\0",
)
CODECS: Final = {codec.name: codec for codec in (JSON, MSGPACK)}
PING_FRAME: Final = b"\x89\x00"


def pong_frame(payload: bytes) -> bytes:
    """Return the websocket frame that answers a ping."""
    return bytes((0x8A, len(payload))) + payload


def close_frame(code: int, reason: str) -> bytes:
    """Return a websocket close frame."""
    payload = code.to_bytes(2, "big") + reason.encode()[:120]
    return bytes((0x88, len(payload))) + payload
