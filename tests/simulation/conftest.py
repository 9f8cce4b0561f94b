"""What stands for Postgres beside Postgres, for all tests of this folder."""

from collections.abc import AsyncIterator

import pytest

from persistence.postgres.pool import Pool
from tests.simulation.both import Both


@pytest.fixture
async def both(database_url: str) -> AsyncIterator[Both]:
    """Both of them, empty."""
    pool = await Pool.open(database_url)
    yield Both(pool)
    await pool.close()
