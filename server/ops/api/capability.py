"""The descriptions of the interface, made from what all capabilities declare."""

from typing import Final

import orjson

from server.ops.api import asyncapi, openapi
from server.ops.api.docs import DOCUMENTS, ROUTES, load_documents, make_document
from server.transport.capability.capability import (
    Capability,
    Startup,
    frames_of,
    told_by,
)
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    described = {
        "show_openapi": openapi.build(startup.capabilities),
        "show_asyncapi": asyncapi.build(
            frames_of(startup.capabilities), told_by(startup.capabilities)
        ),
    }
    startup[DOCUMENTS] = load_documents() | {
        name: make_document(orjson.dumps(document))
        for name, document in described.items()
    }


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
