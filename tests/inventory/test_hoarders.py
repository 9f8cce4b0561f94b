"""A thousand tokens on five networks, always first and always again, against one buyer.

The actor that ships, on a clock that goes when it is told to: the same in every run.
"""

from itertools import cycle

import pytest

from inventory.ports import Envelope
from inventory.replies import HoldOk
from tests.scenario import hall, settings_of
from tests.stage import Stage

SEATS = 500
TOKENS = 1_000
NETWORKS = 5
TTL_S = 120
GRACE_S = 5
HALL = hall(*(f"{row} {'1' * 50}" for row in "ABCDEFGHIJ"))


class Hoarders:
    """Whoever has them asks before everybody else, as often as it likes."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.networks = [
            cycle([f"token {n}@n{network}" for n in range(network, TOKENS, NETWORKS)])
            for network in range(NETWORKS)
        ]
        self.holds: dict[str, HoldOk] = {}

    def grab(self) -> list[tuple[str, Envelope]]:
        """Try to take everything there is; who asks is another one each time."""
        return [
            (token, self.stage.send(token, "best 10 scattered"))
            for tokens in self.networks
            for token in (next(tokens) for _ in range(12))
        ]

    def shift(self) -> list[tuple[str, Envelope]]:
        """Give back what is held, and take the same seats in the same breath."""
        sent: list[tuple[str, Envelope]] = []
        for token, hold in list(self.holds.items()):
            self.stage.send(token, f"release {hold.hold}")
            other = next(self.networks[int(token[-1])])
            sent.append((other, self.stage.send(other, f"hold {' '.join(hold.seats)}")))
            del self.holds[token]
        return sent

    def note(self, sent: list[tuple[str, Envelope]]) -> None:
        """Remember what was got."""
        for token, envelope in sent:
            reply = self.stage.caller.answers[envelope]
            if type(reply) is HoldOk:
                self.holds[token] = reply


async def seconds_until_served(most: int, *, shifts: bool) -> tuple[int, int]:
    """Return how much was held at first, and when the buyer got a seat."""
    settings = settings_of(hold_ttl_s=TTL_S, max_held_per_network=most)
    stage = Stage(HALL, settings)
    stage.open()
    await stage.ready()
    hoarders = Hoarders(stage)
    held = 0
    served_s = None
    for second in range(3 * TTL_S):
        sent = hoarders.shift() if shifts and second % 50 == 49 else []
        sent += hoarders.grab()
        reply = await stage.ask("buyer@sixth", "best 1")
        hoarders.note(sent)
        if second == 0:
            state = stage.actor and stage.actor._state
            assert state
            held = state.stock.letters.count(b"h") - (type(reply) is HoldOk)
        if type(reply) is HoldOk:
            served_s = second
            break
        stage.clock.advance(1)
    await stage.close()
    assert served_s is not None, "the buyer gave up"
    return held, served_s


async def test_with_the_usual_limits_half_of_the_hall_is_left():
    assert await seconds_until_served(50, shifts=False) == (SEATS // 2, 0)


@pytest.mark.parametrize("shifts", [False, True])
async def test_of_a_hall_that_is_held_whole_a_buyer_gets_a_seat_soon(shifts):
    held, served_s = await seconds_until_served(100, shifts=shifts)
    assert held == SEATS
    assert served_s <= TTL_S + GRACE_S + 60
    if shifts:
        assert served_s < TTL_S, "nothing is kept by giving it back in time"


async def test_without_the_limits_the_hoarders_would_keep_it_all():
    """What the others prove is proven by a race that can be lost."""
    with pytest.raises(AssertionError, match="gave up"):
        await seconds_until_served(1_000_000, shifts=False)
