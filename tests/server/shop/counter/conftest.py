"""A server of the file that needs one."""

from tests.server.shop.orders.conftest import (
    file_database_url,
    pool,
    shop,
    stand,
    world,
)

__all__ = ["file_database_url", "pool", "shop", "stand", "world"]
