"""From the numbers of an image to the colours that they mean: sRGB, 8 bits each."""

import io
from functools import cache
from typing import Any, Final

from PIL import Image, ImageChops, ImageCms

_AS_THEY_ARE: Final = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
"""Kinds of pixels that can be resized, and that a profile may be about."""


def plain(image: Image.Image) -> Image.Image:
    """Return an image of 8 bits for each colour, by no palette."""
    if image.mode.startswith("I"):
        return _reduce(image)
    if "transparency" in image.info:
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in _AS_THEY_ARE:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return a plain image in sRGB, as RGB or RGBA.

    Where the profile is none, or for another kind of pixels, the numbers stay.
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    solid = image.convert(image.mode[:-1]) if alpha is not None else image
    made = _by_profile(solid, profile) if profile else None
    if made is None:
        made = solid.convert("RGB")
    if alpha is not None:
        made.putalpha(alpha)
    return made


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, _srgb(), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        # All that it raises for a profile that is none, or does not fit.
        return None


@cache
def _srgb() -> Any:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _reduce(image: Image.Image) -> Image.Image:
    """Return a grey of 16 bits in 8, and what is to be seen through in it as well.

    By itself the library cuts off all that is brighter than 255 of 65,535.
    """
    raw = image.tobytes("raw", "I;16B")
    high = Image.frombytes("L", image.size, raw[::2])
    hidden = image.info.get("transparency")
    if not isinstance(hidden, int):
        return high
    low = Image.frombytes("L", image.size, raw[1::2])
    equal = ImageChops.darker(_where(high, hidden >> 8), _where(low, hidden & 255))
    high.putalpha(ImageChops.invert(equal))
    return high


def _where(image: Image.Image, value: int) -> Image.Image:
    return image.point([255 * (level == value) for level in range(256)])
