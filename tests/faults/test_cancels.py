"""Whatever await of the commit path is cancelled, nothing is lost and nothing lies."""

import pytest

from tests.faults.cancels import walk_actor, walk_lane
from tests.faults.proxy import FaultProxy

pytestmark = pytest.mark.postgres


async def test_an_actor_cancelled_at_any_await_has_told_nothing_but_the_truth(
    database_url,
):
    walk = await walk_actor(database_url)
    assert walk.violations == []
    assert walk.points > 10
    assert walk.acknowledged > 10


async def test_so_has_one_that_was_about_to_learn_what_became_of_its_commit(
    database_url,
):
    proxy = FaultProxy(database_url).start()
    try:
        walk = await walk_actor(database_url, proxy)
    finally:
        proxy.stop()
    assert walk.violations == []
    assert walk.points > 15
    assert walk.acknowledged > 10


async def test_a_lane_cancelled_at_any_await_has_told_nothing_but_the_truth(
    database_url,
):
    walk = await walk_lane(database_url)
    assert walk.violations == []
    assert walk.points > 5
    assert walk.acknowledged > 5
