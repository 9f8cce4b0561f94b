"""Takes images in, gives them out, and removes what nobody shows."""

import asyncio
from hashlib import sha256
from typing import Final

import structlog
from aiohttp import web

from persistence.errors import Revisions, Unavailable
from persistence.events.images import Images, NewImage
from persistence.events.usage import Usage
from server.base.jobs import Job
from server.events.images.encoding import (
    CPU_S,
    DAMAGED,
    MEMORY_BYTES,
    MODULE,
    SIZES,
    BadImage,
    Encoded,
    read_answer,
)
from server.events.images.stores import ImageStore, StoreUnavailable
from server.transport.children.workshop import Failed, Workshop

SWEEP_EVERY_S: Final = 600.0
WAITING_MAX: Final = 8
"""How many uploads wait for their turn to be decoded; each holds its bytes."""

log = structlog.get_logger()


class OtherUpload(Exception):
    """This id belongs to the image of another upload."""


class ImageKeeper:
    """The images of one server."""

    def __init__(self, images: Images, store: ImageStore, usage: Usage) -> None:
        self._images = images
        self._usage = usage
        self._store = store
        self._decoding = Workshop(
            MODULE,
            at_once_max=1,
            waiting_max=WAITING_MAX,
            memory_bytes=MEMORY_BYTES,
            cpu_s=CPU_S,
        )
        self._wake = asyncio.Event()

    async def take(
        self, image: str, event: str, uploaded: bytes, *, user: str, caption: str = ""
    ) -> None:
        """Let an event show what was uploaded; the same again changes nothing.

        Raises `BadImage`, `OtherUpload`, `Busy`, `TooMany`, `StoreUnavailable`,
        `Unavailable`.
        """
        said = (event.encode(), uploaded, *([caption.encode()] if caption else ()))
        request = sha256(b"\0".join(said)).hexdigest()
        known = await self._images.find_request(image)
        if known is not None:
            if known != request:
                raise OtherUpload
            return
        sizes = await self._encode(uploaded)
        total = sum(len(encoded.data) for encoded in sizes.values())
        await self._usage.check_image(event, total)
        await self._images.intend(image)
        for size, encoded in sizes.items():
            await self._store.put(name_of(image, size), encoded.data)
        large = sizes["large"]
        await self._images.show(
            event,
            NewImage(
                image,
                large.width,
                large.height,
                {size: len(encoded.data) for size, encoded in sizes.items()},
                user,
                request,
                caption,
            ),
        )
        self._wake.set()

    async def find(self, image: str, size: str) -> bytes | None:
        """Return a file of an image; raises `StoreUnavailable`."""
        return await self._store.get(name_of(image, size))

    async def hide(self, event: str, seen: Revisions = None) -> None:
        """Let an event show no image; raises `Unavailable`, and `Stale` as edits do."""
        await self._images.hide(event, seen)
        self._wake.set()

    async def run(self, job: Job) -> None:
        """Remove files that nobody needs: soon after they are dropped, and in time."""
        while True:
            self._wake.clear()
            try:
                with job:
                    await self.sweep()
            except (StoreUnavailable, Unavailable) as error:
                log.warning("images could not be removed", error=repr(error))
            try:
                async with asyncio.timeout(SWEEP_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def sweep(self) -> None:
        """Remove the files of all garbage that is due.

        Raises `StoreUnavailable` and `Unavailable`; what is left is removed next time.
        """
        while garbage := await self._images.garbage():
            for image in garbage:
                for size in SIZES:
                    await self._store.delete(name_of(image, size))
                await self._images.removed(image)

    async def close(self) -> None:
        """Let connections go."""
        await self._store.close()

    async def _encode(self, uploaded: bytes) -> dict[str, Encoded]:
        try:
            return read_answer(await self._decoding.run(uploaded))
        except Failed as error:
            # It would have needed more memory or time than any picture does.
            raise BadImage(DAMAGED) from error


def name_of(image: str, size: str) -> str:
    """Return the name of a file; a folder has the images whose ids begin alike."""
    return f"{image[4:6]}/{image}-{size}.webp"


IMAGES: Final = web.AppKey("images", ImageKeeper)
