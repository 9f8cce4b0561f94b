"""What stands around the pixels of an uploaded file: taken away before it is decoded.

A camera or an editor may leave broken blocks there that no browser minds, and our
decoder would refuse the picture for. Which way up it is and its colour profile are
read; all else that is not needed to decode it is dropped. What is not understood is
left to the decoder.
"""

import zlib
from typing import Final, Literal

from msgspec import Struct

UPRIGHT: Final = 1
PROFILE_BYTES_MAX: Final = 4 << 20
"""Of a colour profile that comes packed; those of printers have up to three."""

_JPEG: Final = b"\xff\xd8\xff"
_JPEG_END: Final = b"\xff\xd9"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
BEGINNINGS: Final = (_JPEG, _PNG, b"GIF8", b"RIFF")
"""Of the files that are taken; others that begin so are none of these either."""

_GREYS, _COLOURS = 0, 2
"""Kinds of a PNG's pixels."""

_EXIF: Final = b"Exif\0\0"
_ORIENTATION: Final = 0x0112
_SHORT: Final = 3
_ORDERS: Final[dict[bytes, Literal["little", "big"]]] = {
    b"II*\0": "little",
    b"MM\0*": "big",
}
_FILL: Final = 0xFF
_APP0, _APP1, _APP2, _APP14, _APP15, _COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_PROFILE: Final = b"ICC_PROFILE\0"
_KEPT: Final = {_APP0: b"JFIF\0", _APP14: b"Adobe"}
"""Blocks of applications by what they begin with: how the numbers mean colours."""

_PARTS_MAX: Final = 255
"""They are numbered by a byte."""

_SCAN: Final = 0xDA
_WITHOUT_SIZE: Final = frozenset({0x01, *range(0xD0, 0xDA)})


class Bare(Struct, frozen=True):
    """A file with what is needed to decode it, and what was read of the rest.

    Where a `profile` or `exif` is None, the decoder may find one in the file.
    """

    data: bytes
    exif: bytes | None = None
    profile: bytes | None = None


def strip(uploaded: bytes) -> Bare:
    """Return a file without the blocks that are not needed to decode it."""
    if uploaded.startswith(_JPEG):
        return _strip_jpeg(uploaded)
    if uploaded.startswith(_PNG):
        return _strip_png(uploaded)
    return Bare(uploaded)


def ended(data: bytes) -> bytes:
    """Return a JPEG with an end, and another file as it is.

    Of one that is cut short browsers show what there is, and grey below it; so does the
    decoder where it is told that this is all.
    """
    return data + _JPEG_END if data.startswith(_JPEG) else data


def orientation_of(exif: bytes) -> int:
    """Return how the picture is turned, 1 to 8 as EXIF has it; 1 where it is not said.

    Looks at nothing but that one entry, so that nothing else can be wrong with it.
    """
    tiff = exif.removeprefix(_EXIF)
    order = _ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    at = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[at : at + 2], order)
    for entry in range(at + 2, min(at + 2 + 12 * count, len(tiff) - 11), 12):
        tag = int.from_bytes(tiff[entry : entry + 2], order)
        kind = int.from_bytes(tiff[entry + 2 : entry + 4], order)
        if (tag, kind) == (_ORIENTATION, _SHORT):
            value = int.from_bytes(tiff[entry + 8 : entry + 10], order)
            return value if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT


def _strip_jpeg(data: bytes) -> Bare:
    kept, exif, at = [data[:2]], b"", 2
    profile: list[bytes] = []
    while at + 4 <= len(data) and data[at] == _FILL:
        marker = data[at + 1]
        if marker == _FILL:
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == _SCAN or marker in _WITHOUT_SIZE or end < at + 4:
            break
        block = data[at:end]
        if marker == _APP1 and not exif and block.startswith(_EXIF, 4):
            exif = block[4:]
        elif marker == _APP2 and block.startswith(_PROFILE, 4):
            profile.append(block[4 + len(_PROFILE) :])
        elif _is_needed(marker, block):
            kept.append(block)
        at = end
    kept.append(data[at:])
    return Bare(b"".join(kept), exif, _join_profile(profile))


def _join_profile(parts: list[bytes]) -> bytes:
    """Return a JPEG's colour profile; nothing where a part of it is missing."""
    # Each begins with its number, and how many there are.
    if len(parts) > _PARTS_MAX:
        return b""
    parts = sorted(parts)
    heads = [part[:2] for part in parts]
    if heads != [bytes((number, len(parts))) for number in range(1, len(parts) + 1)]:
        return b""
    return b"".join(part[2:] for part in parts)


def _is_needed(marker: int, block: bytes) -> bool:
    if marker == _COMMENT:
        return False
    if not _APP0 <= marker <= _APP15:
        return True
    begins = _KEPT.get(marker)
    return begins is not None and block.startswith(begins, 4)


def _strip_png(data: bytes) -> Bare:
    kept, found, at = [data[:8]], dict[bytes, bytes](), 8
    while at + 12 <= len(data):
        name = data[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(data[at : at + 4])
        chunk = data[at:end]
        # A small letter: nobody needs it to decode the picture.
        if name[:1].isupper():
            kept.append(chunk)
        elif _is_whole(chunk, end - at):
            found.setdefault(name, chunk[8:-4])
            if name == b"tRNS":
                kept.append(_in_bytes(chunk, data[24], data[25]))
        at = end
    kept.append(data[at:])
    profile = _unpack_profile(found.get(b"iCCP", b""))
    return Bare(b"".join(kept), found.get(b"eXIf", b""), profile)


def _in_bytes(chunk: bytes, depth: int, kind: int) -> bytes:
    """Return what can be seen through, told as the decoder has it: in 8 bits.

    It widens greys of fewer bits and cuts colours of 16, but compares them with what
    the chunk says. Of greys of 16 bits we keep the whole, see `colours`.
    """
    levels = [int.from_bytes(chunk[at : at + 2]) for at in range(8, len(chunk) - 4, 2)]
    if kind == _GREYS and depth in (1, 2, 4):
        brightest = (1 << depth) - 1
        levels = [255 * (level & brightest) // brightest for level in levels]
    elif kind == _COLOURS and depth == 16:
        levels = [level >> 8 for level in levels]
    else:
        return chunk
    body = chunk[4:8] + b"".join(level.to_bytes(2) for level in levels)
    return (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)


def _is_whole(chunk: bytes, size: int) -> bool:
    crc = zlib.crc32(chunk[4:-4])
    return len(chunk) == size and crc == int.from_bytes(chunk[-4:])


def _unpack_profile(chunk: bytes) -> bytes:
    """Return a PNG's colour profile; nothing where it is none."""
    _, _, packed = chunk.partition(b"\0")
    try:
        # The first byte names the way of packing: there is one.
        return zlib.decompressobj().decompress(packed[1:], PROFILE_BYTES_MAX)
    except zlib.error:
        return b""
