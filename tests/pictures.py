"""Images to upload, drawn here."""

import io
import struct
import zlib

from PIL import Image

EXIF_ARTIST = 0x013B
EXIF_ORIENTATION = 0x0112
SECRET = "Olga's house"


def picture(
    kind: str = "PNG", size: tuple[int, int] = (640, 400), mode: str = "RGB"
) -> bytes:
    """An image whose left half is red and whose right half is blue, with a secret."""
    image = Image.new("RGB", size, (255, 0, 0))
    image.paste((0, 0, 255), (size[0] // 2, 0, size[0], size[1]))
    exif = Image.Exif()
    exif[EXIF_ARTIST] = SECRET
    file = io.BytesIO()
    image.convert(mode).save(file, kind, exif=exif)
    return file.getvalue()


def turned() -> bytes:
    """A photo of 300 by 100 that its camera says to turn by a quarter."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    file = io.BytesIO()
    Image.new("RGB", (300, 100)).save(file, "JPEG", exif=exif)
    return file.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few bytes that say they are an image of thousands of millions of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1_000))
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
