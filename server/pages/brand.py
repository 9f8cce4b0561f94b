"""Whose shop it is: the name, the colours and the logo that its operator chose.

Colours are moved as far as it takes to be read: text has a contrast of 4.5 to 1 to what
it stands on, as WCAG 2.2 (1.4.3, level AA) asks.
"""

from pathlib import Path
from typing import Final

from msgspec import Struct

from server.base.settings import Config, ConfigError
from server.pages.assets import TYPES, Asset, asset_of

CONTRAST_MIN: Final = 4.5
LIGHT_CARD: Final = (0xF7, 0xF8, 0xFA)
DARK_CARD: Final = (0x1E, 0x27, 0x33)
WHITE: Final = (0xFF, 0xFF, 0xFF)
BLACK: Final = (0x0B, 0x15, 0x26)
STEPS: Final = 40

LOGO_BYTES_MAX: Final = 256 * 1024

Rgb = tuple[int, int, int]


class Brand(Struct, frozen=True):
    """What pages show of it."""

    name: str
    files: dict[str, Asset]
    """Its style sheet, and its logo where there is one."""
    logo: str | None = None
    """The path of the logo among the files."""


def read_brand(config: Config) -> Brand:
    """Return the brand of the settings. Raises `ConfigError`."""
    found = {"brand.css": asset_of(_style_of(config.brand_colour), "text/css")}
    if config.brand_logo is None:
        return Brand(config.brand_name, found)
    path = Path(config.brand_logo)
    kind = TYPES.get(path.suffix)
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"ONSALE_BRAND_LOGO: {path} cannot be read: {error.strerror}."
        ) from None
    if kind is None or not kind.startswith("image/") or len(body) > LOGO_BYTES_MAX:
        raise ConfigError(
            "ONSALE_BRAND_LOGO: Expected an image (.svg, .png, .webp) of at most"
            f" {LOGO_BYTES_MAX // 1024} KiB."
        )
    logo = f"brand/logo{path.suffix}"
    return Brand(config.brand_name, found | {logo: asset_of(body, kind)}, logo)


def _style_of(colour: str | None) -> bytes:
    if colour is None:
        return b":root {}\n"
    asked = _rgb_of(colour)
    told = []
    for ending, ground, towards in (
        ("", LIGHT_CARD, BLACK),
        ("-dark", DARK_CARD, WHITE),
    ):
        one = readable(asked, ground, towards)
        ink = WHITE if contrast(WHITE, one) > contrast(BLACK, one) else BLACK
        told.append(f"--brand{ending}: {_text_of(one)};")
        told.append(f"--on-brand{ending}: {_text_of(ink)};")
    return f":root {{ {' '.join(told)} }}\n".encode()


def readable(colour: Rgb, ground: Rgb, towards: Rgb) -> Rgb:
    """Return the colour, moved towards another until it can be read on its ground."""
    for step in range(STEPS + 1):
        share = step / STEPS
        red, green, blue = (
            round(one + (other - one) * share)
            for one, other in zip(colour, towards, strict=True)
        )
        if contrast((red, green, blue), ground) >= CONTRAST_MIN:
            return red, green, blue
    return towards


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (one / 255 for one in colour)
    )
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def _rgb_of(text: str) -> Rgb:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _text_of(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
