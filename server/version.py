"""The version of this server, as clients and operators see it."""

from typing import Final

VERSION: Final = "0.1.0"
