"""The descriptions of the interface, made from what all capabilities declare."""

from typing import Final

import orjson

from server.ops.api import asyncapi, openapi
from server.ops.api.docs import DOCUMENTS, ROUTES, Documents
from server.transport.capability.capability import Capability, Startup, routes_of


async def _open(startup: Startup) -> None:
    startup[DOCUMENTS] = Documents(
        openapi=orjson.dumps(openapi.build(routes_of(startup.capabilities))),
        asyncapi=orjson.dumps(asyncapi.build()),
    )


DESCRIPTION: Final = Capability(name="description", open=_open, routes=ROUTES)
