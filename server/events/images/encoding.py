"""From uploaded bytes to new files, by the pixels alone.

Takes up to a second and, for the largest, 200 MB: so it runs in a child, one at a time
(`work`).
"""

import io
import warnings
from typing import Final

import msgspec
from msgspec import Struct
from PIL import Image, ImageFile, UnidentifiedImageError

from server.events.images.colours import plain, to_srgb
from server.events.images.containers import (
    BEGINNINGS,
    Bare,
    ended,
    orientation_of,
    strip,
)
from server.transport.children.child import run_job

MODULE: Final = "server.events.images.encoding"
MEMORY_BYTES: Final = 1 << 30
CPU_S: Final = 30
"""What a child may take for one image."""

UPLOAD_BYTES_MAX: Final = 5 << 20
PIXELS_MAX: Final = 50_000_000
"""A few kilobytes may say that they are more, and would fill the memory."""

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP")
"""What every browser shows; of what moves the first picture is taken."""

DAMAGED: Final = "It is damaged or cut short, and cannot be read; upload it again."
TOO_MANY_PIXELS: Final = f"At most {PIXELS_MAX:,} pixels."
NOT_TAKEN: Final = "It is no JPEG, PNG, GIF or WebP; save it as one of these."
SIZES: Final = {"large": 1_600, "small": 480}
"""The longest side of each file, in pixels; nothing is made larger than it was."""

TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to show it upright, by the number that EXIF has for how it lies."""

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
    with warnings.catch_warnings():
        # What the library merely warns of, browsers show as well.
        warnings.simplefilter("ignore")
        # Of half of what it refuses it warns; for us that is too much already.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = _decode(strip(uploaded))
            return {name: _encode(image, side) for name, side in SIZES.items()}
        except BadImage:
            raise
        except (
            Image.DecompressionBombError,
            Image.DecompressionBombWarning,
        ) as error:
            raise BadImage(TOO_MANY_PIXELS) from error
        except UnidentifiedImageError as error:
            begins = uploaded.startswith(BEGINNINGS)
            raise BadImage(DAMAGED if begins else NOT_TAKEN) from error
        except (
            EOFError,
            MemoryError,
            OSError,
            OverflowError,
            SyntaxError,
            ValueError,
            Warning,
        ) as error:
            # All that its decoders raise for what is broken.
            raise BadImage(DAMAGED) from error


def _decode(uploaded: Bare) -> Image.Image:
    with Image.open(io.BytesIO(ended(uploaded.data)), formats=FORMATS) as opened:
        width, height = opened.size
        if width * height > PIXELS_MAX:
            raise BadImage(TOO_MANY_PIXELS)
        largest = max(SIZES.values())
        # A photo is decoded no larger than it is needed.
        opened.draft("RGB", (largest, largest))
        opened.load()
        exif = _block(uploaded.exif, opened.info.get("exif"))
        profile = _block(uploaded.profile, opened.info.get("icc_profile"))
        made = plain(opened)
        made.thumbnail((largest, largest), Image.Resampling.LANCZOS)
        turn = TURNS.get(orientation_of(exif))
        if turn is not None:
            made = made.transpose(turn)
        return to_srgb(made, profile)


def _block(read: bytes | None, decoded: object) -> bytes:
    """Return what was read before the decoder, else what that has found."""
    if read is not None:
        return read
    return decoded if isinstance(decoded, bytes) else b""


def _encode(image: Image.Image, side: int) -> Encoded:
    sized = image.copy()
    sized.thumbnail((side, side), Image.Resampling.LANCZOS)
    # Of the pixels alone: nothing that came with them is in it.
    bare = Image.frombytes(sized.mode, sized.size, sized.tobytes())
    file = io.BytesIO()
    bare.save(file, "WEBP", quality=QUALITY)
    return Encoded(*bare.size, file.getvalue())


assert not ImageFile.LOAD_TRUNCATED_IMAGES


class Answer(Struct):
    """The files of an image by their size, or why it is none that is taken."""

    sizes: dict[str, Encoded] = {}
    bad: str | None = None


_unpack = msgspec.msgpack.Decoder(Answer).decode


def work(uploaded: bytes) -> bytes:
    """Return the packed answer to an upload."""
    try:
        answer = Answer(encode_sizes(uploaded))
    except BadImage as error:
        answer = Answer(bad=str(error))
    return msgspec.msgpack.encode(answer)


def read_answer(packed: bytes) -> dict[str, Encoded]:
    """Return the files of an image; raises `BadImage`."""
    answer: Answer = _unpack(packed)
    if answer.bad is not None:
        raise BadImage(answer.bad)
    return answer.sizes


if __name__ == "__main__":
    run_job(work)
