"""What becomes of what people upload."""

import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from server.events.images import encoding
from server.events.images.containers import strip
from server.events.images.encoding import BadImage, _decode, encode_sizes
from tests.pictures import (
    EXIF_ORIENTATION,
    SECRET,
    bomb,
    exif_of,
    jpeg_with,
    moving,
    picture,
    png_of,
    png_with,
    swapped_profile,
    turned,
)


def saved(kind, size=(640, 400), **options):
    """A picture as `picture` draws it, with what is given beside it."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(picture(size=size))) as image:
        options |= {"lossless": True} if kind == "WEBP" else {}
        image.convert("RGB").save(file, kind, **({"exif": b""} | options))
    return file.getvalue()


def near(pixel, wanted):
    return all(abs(a - b) <= 12 for a, b in zip(pixel, wanted, strict=True))


def opened(data):
    return Image.open(io.BytesIO(data), formats=["WEBP"])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_becomes_two_files_without_what_was_in_it(kind):
    uploaded = picture(kind, (3_200, 2_000))
    assert SECRET.encode() in uploaded
    made = encode_sizes(uploaded)
    assert {size: (one.width, one.height) for size, one in made.items()} == {
        "large": (1_600, 1_000),
        "small": (480, 300),
    }
    for one in made.values():
        assert SECRET.encode() not in one.data
        with opened(one.data) as image:
            assert image.size == (one.width, one.height)
            assert not image.getexif()
            assert "icc_profile" not in image.info
            left, right = (
                image.getpixel((one.width * part // 8, one.height // 2))
                for part in (1, 7)
            )
        assert (left[0] > 200, right[2] > 200) == (True, True)


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA"])
def test_every_kind_of_pixel_is_taken(mode):
    made = encode_sizes(picture("PNG", mode=mode))
    assert (made["large"].width, made["small"].width) == (640, 480)


def test_what_can_be_seen_through_stays_so():
    file = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(file, "PNG")
    with opened(encode_sizes(file.getvalue())["small"].data) as image:
        assert image.getpixel((3, 3))[3] == 0


def test_nothing_is_made_larger_than_it_was():
    made = encode_sizes(picture("PNG", (3, 900)))
    assert (made["large"].width, made["large"].height) == (3, 900)
    assert (made["small"].width, made["small"].height) == (2, 480)


def test_a_photo_is_turned_as_its_camera_says():
    made = encode_sizes(turned())["large"]
    assert (made.width, made.height) == (100, 300)


@pytest.mark.parametrize(
    "uploaded",
    [
        b"",
        b"no image",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        picture("GIF")[:40],
        picture("TIFF"),
        picture("BMP"),
        picture()[:500],
        picture("JPEG")[:400],
        picture("WEBP")[:100],
        bomb(),
        bomb(9_000, 9_000),
        bomb(0, 7),
        bomb(7_000, 7_000),
    ],
)
def test_what_is_none_is_refused(uploaded):
    with pytest.raises(BadImage):
        encode_sizes(uploaded)


JPEG, PNG = picture("JPEG"), picture("PNG")
EXIF_BEYOND = exif_of((EXIF_ORIENTATION, 3, 1, 6), (0x010F, 2, 4_000, 99_999))
HARMLESS = {
    "exif of nothing": jpeg_with(0xE1, b"Exif\0\0", JPEG),
    "exif that is none": jpeg_with(0xE1, b"Exif\0\0junkjunk", JPEG),
    "exif cut short": jpeg_with(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff", JPEG),
    "exif that points away": jpeg_with(0xE1, b"Exif\0\0II*\0\xff\xff\0\0", JPEG),
    "mpf that is none": jpeg_with(0xE2, b"MPF\0junkjunk", JPEG),
    "mpf of nothing": jpeg_with(0xE2, b"MPF\0II*\0\x08\0\0\0" + bytes(6), JPEG),
    "mpf cut short": jpeg_with(0xE2, b"MPF\0II*\0\x08\0\0\0\x01\0", JPEG),
    "profile that is none": jpeg_with(0xE2, b"ICC_PROFILE\0\1\1junk", JPEG),
    "profile without a number": jpeg_with(0xE2, b"ICC_PROFILE\0", JPEG),
    "photoshop": jpeg_with(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\xff", JPEG),
    "xmp": jpeg_with(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x", JPEG),
    "comment": jpeg_with(0xFE, b"\xff" * 20, JPEG),
    "behind the end": JPEG + b"junk" * 99,
    "png exif": png_with(b"eXIf", b"junk", PNG),
    "png profile": png_with(b"iCCP", b"x\0\1junk", PNG),
    "png text": png_with(b"zTXt", b"x\0\0" + zlib.compress(bytes(5 << 20)), PNG),
    "png gamma": png_with(b"gAMA", b"x", PNG),
    "png size": png_with(b"pHYs", b"x", PNG),
    "png film": png_with(b"acTL", bytes(8), PNG),
    "png checksum": png_with(b"tEXt", b"x\0y", PNG, crc=1),
    "webp exif": saved("WEBP", exif=b"Exif\0\0junkjunk"),
    "webp profile": saved("WEBP", icc_profile=b"junkjunk"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_damaged_beside_the_picture_is_dropped(name):
    made = encode_sizes(HARMLESS[name])["large"]
    assert (made.width, made.height) == (640, 400)
    with opened(made.data) as image:
        assert near(image.getpixel((60, 200)), (255, 0, 0))
        assert near(image.getpixel((580, 200)), (0, 0, 255))


def test_a_photo_is_turned_though_something_else_is_wrong_with_what_it_says():
    made = encode_sizes(jpeg_with(0xE1, EXIF_BEYOND, saved("JPEG")))["large"]
    assert (made.width, made.height) == (400, 640)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_the_library_would(orientation):
    exif = exif_of((EXIF_ORIENTATION, 3, 1, orientation))
    turned = jpeg_with(0xE1, exif, saved("JPEG"))
    with Image.open(io.BytesIO(turned)) as image:
        wanted = ImageOps.exif_transpose(image)
    with opened(encode_sizes(turned)["large"].data) as image:
        assert image.size == wanted.size
        for x, y in ((20, 20), (image.width - 20, image.height - 20)):
            assert near(image.getpixel((x, y)), wanted.getpixel((x, y)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_colours_of_a_profile_become_those_of_the_web(kind):
    made = encode_sizes(saved(kind, icc_profile=swapped_profile()))["large"]
    with opened(made.data) as image:
        assert near(image.getpixel((60, 200)), (0, 255, 0))
        assert "icc_profile" not in image.info


def test_greys_of_sixteen_bits_keep_their_scale():
    grey = Image.new("I;16", (64, 8))
    grey.putdata([x * 65_535 // 63 for _ in range(8) for x in range(64)])
    file = io.BytesIO()
    grey.save(file, "PNG")
    with opened(encode_sizes(file.getvalue())["large"].data) as image:
        for x in (0, 16, 32, 48, 63):
            assert near(image.getpixel((x, 4)), (x * 255 // 63,) * 3)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_of_greys_one_level_may_be_seen_through(depth):
    # The second of two pixels has the level that is not to be seen.
    levels = (0x4000, 0x4001) if depth == 16 else (0, 1)
    row = sum(level << depth * (1 - at) for at, level in enumerate(levels))
    row <<= -2 * depth % 8
    rows = b"\0" + row.to_bytes(-(-2 * depth // 8))
    hidden = (b"tRNS", levels[1].to_bytes(2))
    made = encode_sizes(png_of((2, 1), depth, 0, rows, (hidden,)))["large"]
    with opened(made.data) as image:
        alpha = image.getchannel("A")
    assert [alpha.getpixel((x, 0)) for x in (0, 1)] == [255, 0]


def test_colours_of_sixteen_bits_keep_their_scale():
    pixels = [(65_535, 128, 0), (32_768, 65_280, 255)]
    rows = b"\0" + b"".join(part.to_bytes(2) for pixel in pixels for part in pixel)
    bare = png_of((2, 1), 16, 2, rows)
    image = _decode(strip(bare))
    assert image.getpixel((0, 0)) == (255, 0, 0)
    assert image.getpixel((1, 0)) == (128, 255, 0)


def test_one_colour_of_sixteen_bits_may_be_seen_through():
    # Told apart by 8 of their bits, as we keep them.
    pixels = [(0x8000, 0, 0), (0x8101, 0, 0)]
    packed = [b"".join(part.to_bytes(2) for part in pixel) for pixel in pixels]
    hidden = (b"tRNS", packed[1])
    image = _decode(strip(png_of((2, 1), 16, 2, b"\0" + b"".join(packed), (hidden,))))
    alpha = image.getchannel("A")
    assert [alpha.getpixel((x, 0)) for x in (0, 1)] == [255, 0]


def test_a_colour_of_a_palette_may_be_seen_through():
    image = Image.new("P", (64, 40), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (32, 0, 64, 40))
    for hidden in (1, bytes((128, 0))):
        file = io.BytesIO()
        image.save(file, "PNG", transparency=hidden)
        with opened(encode_sizes(file.getvalue())["large"].data) as made:
            left, right = made.getpixel((8, 20)), made.getpixel((56, 20))
            assert near(left[:3], (255, 0, 0))
            assert (left[3], right[3]) == (255 if hidden == 1 else 128, 0)


def test_inks_become_light():
    file = io.BytesIO()
    Image.new("CMYK", (64, 40), (0, 255, 255, 0)).save(file, "JPEG", quality=95)
    with opened(encode_sizes(file.getvalue())["large"].data) as image:
        assert near(image.getpixel((20, 20)), (255, 0, 0))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_what_moves_the_first_picture_is_taken(kind):
    made = encode_sizes(moving(kind))["large"]
    assert (made.width, made.height) == (64, 40)
    with opened(made.data) as image:
        assert not getattr(image, "is_animated", False)
        assert near(image.getpixel((20, 20))[:3], (255, 0, 0))


@pytest.mark.parametrize("progressive", [False, True])
def test_of_a_photo_that_is_cut_short_what_there_is_is_shown(progressive):
    whole = saved("JPEG", size=(1_600, 1_000), progressive=progressive)
    for left in (len(whole) * 3 // 4, len(whole) - 2):
        with opened(encode_sizes(whole[:left])["large"].data) as image:
            assert image.size == (1_600, 1_000)
            assert near(image.getpixel((100, 20)), (255, 0, 0))


@pytest.mark.parametrize(
    ("uploaded", "said"),
    [
        (picture()[:500], "cut short"),
        (picture()[:20], "cut short"),
        (picture("JPEG")[:400], "cut short"),
        (moving("GIF")[:20], "cut short"),
        (picture("WEBP")[:100], "cut short"),
        (picture("TIFF"), "no JPEG, PNG, GIF or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no JPEG, PNG, GIF or WebP"),
        (b"", "no JPEG, PNG, GIF or WebP"),
        (bomb(), "pixels"),
        (bomb(9_000, 9_000), "pixels"),
    ],
)
def test_whoever_is_refused_is_told_what_to_do(uploaded, said):
    with pytest.raises(BadImage, match=said):
        encode_sizes(uploaded)


def test_the_size_is_looked_at_before_anything_is_decoded(monkeypatch):
    monkeypatch.setattr(encoding, "PIXELS_MAX", 640 * 400 - 1)
    with pytest.raises(BadImage, match="pixels"):
        encode_sizes(picture())


SMALL = [picture(kind, (9, 7)) for kind in ("JPEG", "PNG", "GIF", "WEBP")]
SMALL += [saved("JPEG", size=(9, 7), icc_profile=swapped_profile())]


@given(st.sampled_from(SMALL), st.data())
def test_a_spoilt_image_is_read_or_refused(uploaded, data):
    spoilt = bytearray(uploaded)
    for _ in range(data.draw(st.integers(1, 6))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(
            st.integers(0, 255)
        )
    try:
        made = encode_sizes(bytes(spoilt))
    except BadImage:
        return
    assert set(made) == {"large", "small"}
