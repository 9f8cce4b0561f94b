"""Fixtures of the tests of services over accounts."""

import pytest

from tests.server.people.accounts.desk import AccountDesk
from tests.server.people.entrance import Entrance


@pytest.fixture
def own_desk(entrance: Entrance) -> AccountDesk:
    """Who looks after accounts, for those who ask themselves."""
    return AccountDesk(entrance)
