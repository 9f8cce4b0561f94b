"""What the bus of a process that is alone tells of itself."""

from server.transport.bus.memory_bus import MemoryBus
from tests.cluster.ears import listening, said, started


async def test_two_that_were_given_nothing_in_common_do_not_hear_each_other():
    one, two = await started(MemoryBus()), await started(MemoryBus())
    ear = await listening(two, "a")
    assert await said(one, "a", b"word") == 0
    assert ear.heard == []
    await one.close()
    await two.close()


async def test_its_health_is_that_of_no_bus():
    bus = MemoryBus()
    assert bus.health == {"status": "off", "kind": "in process"}
    await bus.start()
    assert bus.health == {"status": "off", "kind": "in process"}
    await bus.close()
