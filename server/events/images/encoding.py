"""From uploaded bytes to new files, by the pixels alone.

Takes up to a second and, for the largest, 200 MB: so it runs in a thread, one at a
time (`server.events.images.keeper`).
"""

import io
import warnings
from typing import Final

from msgspec import Struct
from PIL import Image, ImageFile, ImageOps

UPLOAD_BYTES_MAX: Final = 5 << 20
PIXELS_MAX: Final = 50_000_000
"""A few kilobytes may say that they are more, and would fill the memory."""

FORMATS: Final = ("JPEG", "PNG", "WEBP")
SIZES: Final = {"large": 1_600, "small": 480}
"""The longest side of each file, in pixels; nothing is made larger than it was."""

MEDIA_TYPE: Final = "image/webp"
QUALITY: Final = 82


class BadImage(Exception):
    """These bytes are no image that is taken; the message says why."""


class Encoded(Struct, frozen=True):
    """One file of an image."""

    width: int
    height: int
    data: bytes


def encode_sizes(uploaded: bytes) -> dict[str, Encoded]:
    """Return the files of an uploaded image by their size; raises `BadImage`."""
    # The library warns of half of what it refuses; for us that is too much already.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            image = _decode(uploaded)
            return {name: _encode(image, side) for name, side in SIZES.items()}
        except BadImage:
            raise
        except (
            Image.DecompressionBombError,
            EOFError,
            MemoryError,
            OSError,
            OverflowError,
            SyntaxError,
            ValueError,
            Warning,
        ) as error:
            # All that its decoders raise for what is broken.
            raise BadImage("It cannot be read.") from error


def _decode(uploaded: bytes) -> Image.Image:
    with Image.open(io.BytesIO(uploaded), formats=FORMATS) as opened:
        width, height = opened.size
        if width * height > PIXELS_MAX:
            raise BadImage(f"At most {PIXELS_MAX:,} pixels.")
        largest = max(SIZES.values())
        # A photo is decoded no larger than it is needed.
        opened.draft("RGB", (largest, largest))
        opened.load()
        turned: Image.Image = ImageOps.exif_transpose(opened)
        mode = "RGBA" if turned.has_transparency_data else "RGB"
        made = turned.convert(mode)
    made.thumbnail((largest, largest), Image.Resampling.LANCZOS)
    return made


def _encode(image: Image.Image, side: int) -> Encoded:
    sized = image.copy()
    sized.thumbnail((side, side), Image.Resampling.LANCZOS)
    # Of the pixels alone: nothing that came with them is in it.
    bare = Image.frombytes(sized.mode, sized.size, sized.tobytes())
    file = io.BytesIO()
    bare.save(file, "WEBP", quality=QUALITY)
    return Encoded(*bare.size, file.getvalue())


assert not ImageFile.LOAD_TRUNCATED_IMAGES
