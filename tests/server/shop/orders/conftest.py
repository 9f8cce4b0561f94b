"""A shop for the tests of orders."""

import pytest

from tests.server.shop.orders.shop import open_shop


@pytest.fixture
async def shop(database_url, tmp_path):
    async with open_shop(database_url, tmp_path) as shop:
        yield shop
