"""The secret that the shop and the gateway share: it signs webhooks and opens doors."""

from pathlib import Path
from typing import Final

from persistence.data_directory import DataDirectory
from server.base.settings import Config, ConfigError
from server.shop.payments.signing import secrets_of

RECORD: Final = "gateway-secret"
"""In the data directory, where none was given."""


def secrets_for(config: Config) -> tuple[bytes, ...]:
    """Return the secrets, the one in use first.

    Without a setting it is made at random, once, in the data directory: a server and a
    gateway with one directory agree on it. Raises ConfigError for one that could be
    guessed, DataDirectoryError where others can read it.
    """
    if config.gateway_secret is None:
        data = DataDirectory(Path(config.data_dir))
        data.create()
        return secrets_of(data.secret(RECORD))
    try:
        return secrets_of(config.gateway_secret)
    except ValueError as error:
        raise ConfigError(f"ONSALE_GATEWAY_SECRET: {error}") from None
