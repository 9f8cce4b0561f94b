"""Examples of images, for the description of the interface."""

from typing import Final

from server.events.catalogue.examples import EVENT_NOW
from server.transport.rest.examples import Examples

EXAMPLES: Final = Examples(
    answers={
        "upload_image": EVENT_NOW,
    },
)
