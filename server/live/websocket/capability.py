"""The websocket, the one address of ours that is no row of the table of routes."""

from typing import Final

from server.live.websocket.handler import websocket
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    startup.app.router.add_get("/v1/ws", websocket)


WEBSOCKET: Final = Capability(name="websocket", open=_open)
