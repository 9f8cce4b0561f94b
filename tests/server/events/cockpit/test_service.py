"""What those who run an event are told of it, from all processes."""

import pytest

from inventory.commands import Hold
from inventory.venue.own import GA
from server.base.refusals.refusals import Denied
from server.events.cockpit.sampler import encode
from server.events.cockpit.seconds import Second
from tests.server.identities import GUEST, LENA, MIA

pytestmark = pytest.mark.postgres


async def test_only_what_changed_is_told_after_a_second(house, watch):
    await house.sales.run(MIA, Hold(id=0, event="evt", areas={GA: 2}))
    for _ in range(4):
        watch.look()
    told = await watch.service.show(LENA, "evt", 0)
    assert [one.at for one in told.seconds] == [1_001]
    assert told.owner == "a"
    assert (await watch.service.show(LENA, "evt", 1_001)).seconds == []


async def test_nobody_else_is_told(house, watch):
    await house.events.find(LENA, "evt")
    watch.look()
    for who in (MIA, GUEST):
        with pytest.raises(Denied):
            await watch.service.show(who, "evt", 0)


async def test_who_watches_at_other_processes_counts(house, watch):
    await house.events.find(LENA, "evt")
    watch.look()
    seen = encode([Second(at=1_001, watching=40)])
    watch.other.answer_of("live", lambda event: seen if event == "evt" else b"")
    watch.processes.append("b")
    second = await watch.last()
    assert (second.watching, second.free, second.owned) == (40, 10, True)
