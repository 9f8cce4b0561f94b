"""Images to upload, drawn here."""

import io
import struct
import zlib

from PIL import Image, ImageCms

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
    return png_of((width, height), 8, 2, bytes(1_000))


def png_of(
    size: tuple[int, int],
    depth: int,
    kind: int,
    rows: bytes,
    extra: tuple[tuple[bytes, bytes], ...] = (),
) -> bytes:
    """A PNG of these rows, each with its filter; `kind` is 0 of greys, 2 of colours."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0)
    between = b"".join(chunk(*one) for one in extra)
    parts = chunk(b"IHDR", head) + between + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def moving(kind: str, size: tuple[int, int] = (64, 40)) -> bytes:
    """A film of two pictures: red, then blue."""
    first, second = (Image.new("RGB", size, one) for one in ("#f00", "#00f"))
    file = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    first.save(
        file, kind, save_all=True, append_images=[second], duration=90, **options
    )
    return file.getvalue()


def jpeg_with(marker: int, block: bytes, picture: bytes) -> bytes:
    """A JPEG with another block before all that it has."""
    size = struct.pack(">H", len(block) + 2)
    return picture[:2] + bytes((0xFF, marker)) + size + block + picture[2:]


def png_with(name: bytes, data: bytes, picture: bytes, crc: int | None = None) -> bytes:
    """A PNG with another chunk behind its head."""
    body = name + data
    check = zlib.crc32(body) if crc is None else crc
    chunk = struct.pack(">I", len(data)) + body + struct.pack(">I", check)
    return picture[:33] + chunk + picture[33:]


def exif_of(*entries: tuple[int, int, int, int], order: str = "<") -> bytes:
    """An EXIF block with these entries: tag, kind, count, value."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    packed = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        packed += struct.pack(order + "HHI", tag, kind, count)
        # A value of two bytes stands at the left of its four.
        short = struct.pack(order + "HH", value & 0xFFFF, 0)
        packed += short if kind == 3 else struct.pack(order + "I", value)
    return b"Exif\0\0" + head + packed + bytes(4)


def srgb_profile() -> bytes:
    """The colour profile of the web."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """A colour profile by which red is green and green is red."""
    profile = bytearray(srgb_profile())
    places = {}
    for entry in range(132, 132 + 12 * struct.unpack_from(">I", profile, 128)[0], 12):
        places[bytes(profile[entry : entry + 4])] = entry
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def linear_grey_profile() -> bytes:
    """A colour profile by which half of the number is half of the light."""
    usual = srgb_profile()
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63_190, 65_536, 54_061)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)
    tags = {b"wtpt": white, b"kTRC": curve, b"desc": b"desc" + bytes(86)}
    at, table, data = 132 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">II", at + len(data), len(value))
        data += value
    head = struct.pack(">I", at + len(data)) + usual[4:16] + b"GRAY" + usual[20:128]
    return head + struct.pack(">I", len(tags)) + table + data
