from typing import Any

import msgspec
import pytest

from server.people.organisations.service import TOPIC, OrganisationService


class Bus:
    """Keeps what is said, and lets a test say something."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []
        self.hear: Any = None
        self.lose: Any = None

    def publish(self, topic: str, data: bytes) -> None:
        self.said.append((topic, data))

    def subscribe(self, topic, hear, lose) -> None:
        assert topic == TOPIC
        self.hear, self.lose = hear, lose


class Notes:
    """Stands for what is kept in memory, and notes what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None]] = []

    def forget(self, organisation=None) -> None:
        self.told.append(("forget", organisation))

    def heard(self, organisation) -> None:
        self.told.append(("heard", organisation))

    def look_soon(self) -> None:
        self.told.append(("look", None))

    async def changed(self, organisation) -> None:
        self.told.append(("changed", organisation))


@pytest.fixture
def service():
    # No store is asked for anything here.
    none: Any = None
    made: Any = OrganisationService(pool=none, public_url=None)
    made.sellers = Notes()
    made.on_change.append(made.sellers.forget)
    return made


async def test_a_change_counts_here_and_is_told_to_the_others(service):
    await service.changed("org")
    bus = Bus()
    service.connect(bus)
    await service.changed("org")
    assert service.sellers.told == 2 * [("forget", "org"), ("changed", "org")]
    ((topic, data),) = bus.said
    assert (topic, msgspec.msgpack.decode(data)) == (TOPIC, "org")


async def test_what_others_say_is_looked_up(service):
    bus = Bus()
    service.connect(bus)
    bus.hear(msgspec.msgpack.encode("org"))
    assert service.sellers.told == [("forget", "org"), ("heard", "org")]


@pytest.mark.parametrize("data", [b"", b"\xc1", msgspec.msgpack.encode(["org", 2])])
async def test_what_is_said_in_other_words_or_lost_is_looked_up_anyway(service, data):
    bus = Bus()
    service.connect(bus)
    bus.hear(data)
    bus.lose()
    assert service.sellers.told == 2 * [("forget", None), ("look", None)]
