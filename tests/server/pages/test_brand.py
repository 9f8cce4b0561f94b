"""The name, the colours and the logo that whoever runs a shop chose for it."""

import re

import pytest

from server.base.settings import ConfigError, read_config
from server.pages.brand import (
    BLACK,
    CONTRAST_MIN,
    DARK_CARD,
    LIGHT_CARD,
    LOGO_BYTES_MAX,
    WHITE,
    contrast,
    read_brand,
    readable,
)

COLOURS = ("#000000", "#ffffff", "#ffcc00", "#1d5fd1", "#777777", "#e00000", "#0f0f5a")


def style_of(**settings):
    brand = read_brand(read_config({}, **settings))
    return brand.files["brand.css"].body.decode()


def rgb(text):
    return tuple(int(text[at : at + 2], 16) for at in (1, 3, 5))


def test_contrast_is_that_of_wcag():
    assert contrast(WHITE, (0, 0, 0)) == pytest.approx(21)
    assert contrast((0, 0, 0), WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    # The example of many tools: this grey is the lightest on white that is AA.
    assert contrast((0x76, 0x76, 0x76), WHITE) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("colour", COLOURS)
def test_any_colour_can_be_read_in_light_and_dark_and_so_can_what_stands_on_it(colour):
    told = dict(re.findall(r"--([\w-]+): (#\w+);", style_of(brand_colour=colour)))
    assert contrast(rgb(told["brand"]), LIGHT_CARD) >= CONTRAST_MIN
    assert contrast(rgb(told["brand-dark"]), DARK_CARD) >= CONTRAST_MIN
    for name in ("brand", "brand-dark"):
        ink = told[name.replace("brand", "on-brand")]
        assert contrast(rgb(told[name]), rgb(ink)) >= CONTRAST_MIN


def test_a_colour_that_can_be_read_stays_as_it_is():
    assert readable((0x1D, 0x5F, 0xD1), LIGHT_CARD, BLACK) == (0x1D, 0x5F, 0xD1)
    moved = readable((0xFF, 0xCC, 0x00), LIGHT_CARD, BLACK)
    assert CONTRAST_MIN <= contrast(moved, LIGHT_CARD) < CONTRAST_MIN + 1


def test_without_settings_the_colours_are_those_of_the_design():
    assert style_of() == ":root {}\n"
    assert read_brand(read_config({})).logo is None


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#1234567", "#123456;}"])
def test_a_colour_is_six_digits(colour):
    with pytest.raises(ConfigError, match="ONSALE_BRAND_COLOUR"):
        read_config({"ONSALE_BRAND_COLOUR": colour})


@pytest.mark.parametrize("name", ["logo.svg", "logo.png", "logo.webp"])
def test_a_logo_is_an_image_that_is_not_too_large(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"x" * LOGO_BYTES_MAX)
    brand = read_brand(read_config({}, brand_logo=str(path)))
    assert brand.logo == f"brand/{name}"
    assert brand.files[brand.logo].content_type.startswith("image/")
    path.write_bytes(b"x" * (LOGO_BYTES_MAX + 1))
    with pytest.raises(ConfigError, match="256 KiB"):
        read_brand(read_config({}, brand_logo=str(path)))


@pytest.mark.parametrize("name", ["logo.js", "logo.html", "none"])
def test_what_is_no_image_or_not_there_is_told_at_the_start(tmp_path, name):
    path = tmp_path / name
    if name != "none":
        path.write_text("x")
    with pytest.raises(ConfigError, match="ONSALE_BRAND_LOGO"):
        read_brand(read_config({}, brand_logo=str(path)))
