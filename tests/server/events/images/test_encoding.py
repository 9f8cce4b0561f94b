"""What becomes of what people upload."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.events.images import encoding
from server.events.images.encoding import BadImage, encode_sizes
from tests.pictures import SECRET, bomb, picture, turned


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
        picture("GIF"),
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


def test_the_size_is_looked_at_before_anything_is_decoded(monkeypatch):
    monkeypatch.setattr(encoding, "PIXELS_MAX", 640 * 400 - 1)
    with pytest.raises(BadImage, match="pixels"):
        encode_sizes(picture())


SMALL = [picture(kind, (9, 7)) for kind in ("JPEG", "PNG", "WEBP")]


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
