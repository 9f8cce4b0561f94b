"""A shop for the tests of orders, and a server of each file that needs one."""

import pytest
import pytest_asyncio

from persistence.postgres.pool import Pool
from tests.database import drop_database, make_database
from tests.server.shop.orders.shop import open_shop
from tests.server.shop.orders.world import standing


@pytest.fixture
async def shop(database_url, tmp_path):
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


@pytest.fixture(scope="module")
def file_database_url(server_url, database_template):
    """The address of a database that the tests of one file share."""
    url = make_database(server_url, database_template)
    yield url
    drop_database(server_url, url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(file_database_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    async with standing(file_database_url, folder) as stand:
        yield stand


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(file_database_url, stand):
    pool = await Pool.open(file_database_url)
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="module")
async def world(stand):
    return await stand.world()
