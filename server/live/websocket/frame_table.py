"""The table of frames: what clients may send besides `hello`, `ping` and commands.

A capability declares a tuple `FRAMES` of rows in its own folder, as it does its routes.
The application puts all of them into one `FrameTable`, from which the decoders, the
session's dispatch and `/asyncapi.json` are made.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, get_args

from aiohttp import web
from msgspec import Struct

from inventory.commands import ClientCommand
from inventory.replies import Ok
from persistence.people.api_keys import Scope
from server.live.fanout.frames import CODECS, Frame, FrameDecoder, SessionFrame
from server.people.auth.tokens import Identity

if TYPE_CHECKING:
    from server.live.websocket.session import Session

F = TypeVar("F", bound=Frame)


class FrameRow(Struct, Generic[F], frozen=True, kw_only=True):
    """One frame of a client: its type, what is done with it, and who may send it."""

    kind: type[F]
    """Its tag is the `op`, its docstring the description."""
    handle: Callable[["Session", Identity, F], None]
    """Called with who is signed in, and only then. Sees that the frame's id is answered
    exactly once, now or later, with `Session.answer`."""
    scope: Scope | None = None
    """What an API key needs to send it; without one none may."""
    reply: type[Ok] = Ok
    """What answers it, where it is not refused."""
    sends: tuple[type[Struct], ...] = ()
    """What the client is sent later, unasked, because it sent this."""
    examples: tuple[dict[str, Any], ...] = ()
    """Whole frames; they are tried in the order of the ids of all examples."""


class FrameTable:
    """All rows, and what reads their frames, made once for all sessions.

    Raises `ValueError` or `TypeError` where two rows are of one type or of one `op`.
    """

    def __init__(self, rows: Iterable[FrameRow[Any]]) -> None:
        self.rows = tuple(rows)
        self.by_kind = {row.kind: row for row in self.rows}
        if len(self.by_kind) < len(self.rows):
            raise ValueError("a frame has two rows")
        kinds = (*get_args(SessionFrame), *get_args(ClientCommand), *self.by_kind)
        self.decoders = {codec: FrameDecoder(codec, kinds) for codec in CODECS.values()}


FRAME_TABLE: Final = web.AppKey("frame_table", FrameTable)
