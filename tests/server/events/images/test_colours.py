"""The colours that the numbers of an image mean."""

import pytest
from PIL import Image

from server.events.images.colours import plain, to_srgb
from tests.pictures import linear_grey_profile, srgb_profile, swapped_profile

RED, GREEN = (255, 0, 0), (0, 255, 0)
SRGB = srgb_profile()


def near(pixel, wanted):
    return all(abs(a - b) <= 3 for a, b in zip(pixel, wanted, strict=True))


def first(image: Image.Image) -> tuple[int, ...]:
    """The pixel in the corner."""
    return tuple(image.crop((0, 0, 1, 1)).tobytes())


def solid(mode, colour):
    return Image.new(mode, (4, 4), colour)


def test_a_profile_is_applied():
    made = to_srgb(solid("RGB", RED), swapped_profile())
    assert (made.mode, near(made.getpixel((0, 0)), GREEN)) == ("RGB", True)


def test_what_can_be_seen_through_stays_so():
    made = to_srgb(solid("RGBA", (*RED, 70)), swapped_profile())
    assert near(made.getpixel((0, 0)), (*GREEN, 70))


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_profile_of_greys_is_applied(mode):
    colour = 128 if mode == "L" else (128, 70)
    pixel = first(to_srgb(solid(mode, colour), linear_grey_profile()))
    assert near(pixel[:3], (188, 188, 188))
    assert pixel[3:] == (() if mode == "L" else (70,))


@pytest.mark.parametrize("profile", [b"", b"no profile", SRGB[:200], bytes(400)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_without_a_profile_that_is_one_the_numbers_stay(profile, mode):
    colour = (10, 200, 30) if mode == "RGB" else 77
    made = to_srgb(solid(mode, colour), profile)
    assert made.getpixel((0, 0)) == (colour if mode == "RGB" else (77, 77, 77))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_other_colours_is_not_applied(mode):
    image = solid(mode, 50 if mode == "L" else (0, 255, 255, 0))
    made = to_srgb(image, swapped_profile())
    assert made.tobytes() == image.convert("RGB").tobytes()


def test_a_profile_of_srgb_changes_nothing():
    for colour in (RED, GREEN, (12, 130, 250), (128, 128, 128)):
        made = to_srgb(solid("RGB", colour), SRGB)
        pairs = zip(first(made), colour, strict=True)
        assert all(abs(a - b) <= 1 for a, b in pairs)


def deep(levels):
    image = Image.new("I;16", (len(levels), 1))
    image.putdata(levels)
    return image


def test_greys_of_sixteen_bits_keep_their_scale():
    made = plain(deep([0, 255, 256, 32_768, 65_280, 65_535]))
    assert made.mode == "L"
    assert list(made.tobytes()) == [0, 0, 1, 128, 255, 255]


def test_of_them_one_level_may_be_seen_through():
    image = deep([0, 4_660, 4_661, 4_916, 65_535])
    image.info["transparency"] = 4_660
    made = plain(image)
    assert (made.mode, list(made.getchannel("A").tobytes())) == (
        "LA",
        [255, 0, 255, 255, 255],
    )


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [("1", "RGB"), ("L", "L"), ("P", "RGB"), ("PA", "RGBA"), ("YCbCr", "RGB")],
)
def test_every_kind_of_pixels_becomes_a_plain_one(mode, wanted):
    assert plain(Image.new(mode, (2, 2))).mode == wanted
