"""Puts together what keeps images, out of the settings."""

from pathlib import Path
from typing import Final

from persistence.events.images import Images
from persistence.events.usage import Usage
from server.base.s3_url import parse_s3_url
from server.base.settings import Config
from server.events.images.keeper import ImageKeeper
from server.events.images.s3 import S3Store
from server.events.images.signing import Credentials
from server.events.images.stores import DirectoryStore, ImageStore

DIRECTORY: Final = "images"
"""The part of the data directory that holds them."""


def open_images(images: Images, usage: Usage, config: Config) -> ImageKeeper:
    """Return the keeper of a server's images."""
    return ImageKeeper(images, _store_of(config), usage)


def _store_of(config: Config) -> ImageStore:
    if config.images_url is None:
        root = Path(config.data_dir).expanduser().absolute()
        return DirectoryStore(root / DIRECTORY)
    credentials = Credentials(
        config.s3_key_id or "", config.s3_secret or "", config.s3_token
    )
    return S3Store(parse_s3_url(config.images_url), credentials)
