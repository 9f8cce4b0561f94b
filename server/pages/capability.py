"""The pages that browsers load."""

from typing import Final

from server.pages.serve import add_pages
from server.transport.capability.capability import Capability, Startup


async def _open(startup: Startup) -> None:
    add_pages(startup.app, startup.settings)


PAGES: Final = Capability(name="pages", open=_open)
