"""Who may be robbed of an event, which no lease allows."""

from collections.abc import Iterator

import pytest

from inventory.ports import Ownership
from tests.simulation.tape import draw
from tests.simulation.world import World, patched


@pytest.fixture
def world() -> Iterator[World]:
    tape = draw(1, 1)
    with patched(tape):
        made = World(tape)
        yield made
        made.dispose()


def owned(world: World, token: str) -> Ownership:
    """Let somebody have an event, whoever had it before."""
    world.database.head("e0").lease_until = 0.0
    found = world.database.acquire("e0", token, token)
    assert isinstance(found, Ownership)
    return found


def test_an_owner_is_robbed_as_it_writes(world):
    owner = owned(world, "owner")
    world.database.rob(owner, 1.0)
    assert world.database.head("e0").epoch == owner.epoch + 1
    assert world.database.addresses["e0"] == "rival"


def test_what_a_former_owner_writes_robs_nobody(world):
    """It would rob who has a good lease, and hears of it only when that is over."""
    former, owner = owned(world, "former"), owned(world, "owner")
    world.database.rob(former, 1.0)
    head = world.database.head("e0")
    assert (head.epoch, head.token, head.version) == (owner.epoch, "owner", 0)
    assert world.database.addresses["e0"] == "owner"
