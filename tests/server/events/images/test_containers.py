"""What is taken away around the pixels, and what is read there."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.events.images.containers import orientation_of, strip
from tests.pictures import (
    EXIF_ORIENTATION,
    SECRET,
    exif_of,
    jpeg_with,
    picture,
    png_with,
    swapped_profile,
    turned,
)

ORIENTED = (EXIF_ORIENTATION, 3, 1, 6)
BEYOND = (0x010F, 2, 4_000, 99_999)


def pixels(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB").tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_nothing_stays_but_what_the_pixels_need(kind):
    uploaded = picture(kind)
    stripped = strip(uploaded)
    assert SECRET.encode() in uploaded
    assert SECRET.encode() not in stripped.data
    assert SECRET.encode() in (stripped.exif or b"")
    assert pixels(stripped.data) == pixels(uploaded)


def test_blocks_that_say_what_the_numbers_mean_stay():
    file = io.BytesIO()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(file, "JPEG")
    uploaded = file.getvalue()
    assert b"Adobe" in uploaded
    assert strip(uploaded).data == uploaded


@pytest.mark.parametrize("parts", [1, 3])
def test_a_profile_is_read_whole_or_not_at_all(parts):
    profile, uploaded = swapped_profile(), picture("JPEG")
    size = -(-len(profile) // parts)
    blocks = [
        b"ICC_PROFILE\0" + bytes((n + 1, parts)) + profile[n * size : (n + 1) * size]
        for n in range(parts)
    ]
    whole = uploaded
    for block in blocks:
        whole = jpeg_with(0xE2, block, whole)
    assert strip(whole).profile == profile
    assert strip(jpeg_with(0xE2, blocks[0], whole)).profile == b""
    assert strip(jpeg_with(0xE2, b"ICC_PROFILE\0", uploaded)).profile == b""
    many = uploaded
    for _ in range(300):
        many = jpeg_with(0xE2, b"ICC_PROFILE\0\1\1x", many)
    assert strip(many).profile == b""


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("entries", "orientation"),
    [
        ((), 1),
        ((ORIENTED,), 6),
        ((BEYOND, ORIENTED), 6),
        (((EXIF_ORIENTATION, 3, 1, 9),), 1),
        (((EXIF_ORIENTATION, 3, 1, 0),), 1),
        (((EXIF_ORIENTATION, 4, 1, 6),), 1),
    ],
)
def test_one_entry_is_read_whatever_the_others_are(entries, orientation, order):
    assert orientation_of(exif_of(*entries, order=order)) == orientation


def test_a_camera_is_understood():
    assert orientation_of(strip(turned()).exif or b"") == 6


@given(st.binary(max_size=60))
def test_no_block_is_too_broken_to_be_looked_at(data):
    for head in (b"", b"Exif\0\0", b"Exif\0\0II*\0", b"MM\0*", b"II*\0\x08\0\0\0"):
        assert 1 <= orientation_of(head + data) <= 8


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@given(data=st.data())
def test_any_bytes_are_stripped_to_some(kind, data):
    whole = bytearray(picture(kind, (9, 7)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(8, len(whole) - 1))] = data.draw(
            st.integers(0, 255)
        )
    cut = bytes(whole[: data.draw(st.integers(8, len(whole)))])
    assert len(strip(cut).data) <= len(cut)


def test_bytes_between_blocks_are_left_to_the_decoder():
    uploaded = picture("JPEG")
    filled = uploaded[:2] + b"\xff\xff" + uploaded[2:]
    assert pixels(strip(filled).data) == pixels(uploaded)
    lies = uploaded[:2] + b"\xff\xe1" + struct.pack(">H", 1) + uploaded[2:]
    assert strip(lies).data == lies


def test_a_chunk_that_is_damaged_is_not_believed():
    exif = exif_of(ORIENTED).removeprefix(b"Exif\0\0")
    uploaded = picture("PNG", mode="RGB")
    bare = strip(uploaded).data
    assert orientation_of(strip(png_with(b"eXIf", exif, bare)).exif or b"") == 6
    assert strip(png_with(b"eXIf", exif, bare, crc=1)).exif == b""
    assert strip(png_with(b"tRNS", bytes(6), bare, crc=1)).data == bare
