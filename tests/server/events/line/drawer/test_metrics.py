"""What draws took is there to be read, a step at a time."""

import pytest
from prometheus_client import CollectorRegistry

from server.events.line.drawer.metrics import DrawMetrics

pytestmark = pytest.mark.postgres


async def test_each_step_of_a_draw_is_told_once_it_was_taken(hall):
    registry = CollectorRegistry()
    registry.register(DrawMetrics(hall.drawer))

    def read(step):
        return registry.get_sample_value("onsale_line_draw_seconds", {"step": step})

    assert read("list") is None
    await hall.put()
    await hall.gather("u0", "u1")
    await hall.draw()
    for step in ("list", "fix", "round", "order", "feed"):
        assert read(step) > 0, step
