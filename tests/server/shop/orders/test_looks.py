"""How often a provider is asked what became of attempts, where no webhook tells."""

import pytest

from server.shop.orders.facts import Expire, Look, Notify, Tick
from server.shop.orders.rules import next_look_ms, step, wake_ms
from tests.server.shop.orders.test_rules import NOW, PAY, PAYING


@pytest.mark.parametrize(
    ("age_s", "next_s"),
    [
        (0, 60),
        (59.999, 60),
        (60, 180),
        (179.999, 180),
        (180, 420),
        (420, 900),
        (900, 1_500),
        (1_499.999, 1_500),
        (1_500, 2_100),
        (2_099, 2_100),
        (2_100, 2_700),
        (30 * 86_400, 30 * 86_400 + 300),
    ],
)
def test_what_is_open_is_asked_about_ever_more_rarely(age_s, next_s):
    assert next_look_ms(NOW, NOW + round(age_s * 1_000)) == NOW + next_s * 1_000


def test_an_attempt_whose_webhook_is_lost_is_looked_at_four_times_in_all():
    """As the driver does: it ticks when the order said, and never before."""
    order, asked, now = PAYING, list[tuple[int, object]](), NOW
    while order.step == "paying":
        wake = wake_ms(order, now)
        assert wake is not None
        assert wake > now
        now = wake
        outcome = step(order, Tick(), now)
        asked += [((now - NOW) // 1_000, wish) for wish in outcome.wishes]
        order = outcome.order
    assert [one for one in asked if one[1] != Notify()] == [
        (60, Look(PAY)),
        (180, Look(PAY)),
        (420, Look(PAY)),
        (900, Expire(PAY)),
    ]
