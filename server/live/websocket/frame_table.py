"""The table of frames: what clients may send besides `hello`, `ping` and commands.

A capability declares its rows as it does its routes. The application puts all of them
into one `FrameTable`, from which the decoders, the session's dispatch and
`/asyncapi.json` are made.
"""

from collections.abc import Iterable
from typing import Any, Final, get_args

from aiohttp import web

from inventory.commands import ClientCommand
from server.live.fanout.frames import CODECS, FrameDecoder, SessionFrame
from server.transport.capability.frame_row import FrameRow


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
