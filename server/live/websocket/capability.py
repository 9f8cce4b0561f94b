"""The websocket, the one address of ours that is no row of the table of routes."""

from typing import Final

from server.live.websocket.frame_table import FRAME_TABLE, FrameTable
from server.live.websocket.handler import websocket
from server.live.websocket.watching import FRAMES
from server.transport.capability.capability import Capability, Startup, frames_of


async def _open(startup: Startup) -> None:
    startup[FRAME_TABLE] = FrameTable(frames_of(startup.capabilities))
    startup.app.router.add_get("/v1/ws", websocket)


WEBSOCKET: Final = Capability(name="websocket", open=_open, frames=FRAMES)
