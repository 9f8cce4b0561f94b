"""Images of events."""

from typing import Final

from server.events.catalogue.service import ON_WITHDRAWN
from server.events.images.examples import EXAMPLES
from server.events.images.keeper import IMAGES
from server.events.images.open import open_images
from server.events.images.rest import ROUTES
from server.live.actors.registry import CATALOG
from server.transport.capability.capability import Capability, Startup
from server.transport.rest.examples import PathParameter


async def _open(startup: Startup) -> None:
    catalog = startup[CATALOG]
    keeper = open_images(catalog.images, catalog.usage, startup.settings)
    startup[IMAGES] = keeper
    startup[ON_WITHDRAWN].append(keeper.hide)
    startup.on_stop(keeper.close)
    startup.run(keeper.run(startup.job("images")), "images")


PICTURES: Final = Capability(
    name="images",
    open=_open,
    routes=ROUTES,
    parameters={
        "image": PathParameter(
            "The image's id.", "img_4VdJtYxqB8mTz1uKc9sWfQ", recorded=False
        ),
    },
    examples=EXAMPLES,
)
