"""The descriptions of the interface, made from what all capabilities declare."""

from typing import Final

import orjson

from server.ops.api import asyncapi, openapi
from server.ops.api.docs import DOCUMENTS, ROUTES, Documents
from server.transport.capability.capability import Capability, Startup, frames_of
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    startup[DOCUMENTS] = Documents(
        openapi=orjson.dumps(openapi.build(startup.capabilities)),
        asyncapi=orjson.dumps(asyncapi.build(frames_of(startup.capabilities))),
    )


DESCRIPTION: Final = Capability(
    name="description",
    open=_open,
    routes=ROUTES,
    parameters={
        "asset": PathParameter(
            "The file's name.", "redoc.standalone.js", recorded=False
        ),
    },
)
