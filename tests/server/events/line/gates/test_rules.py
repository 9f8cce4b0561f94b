"""What is asked of whoever comes from where so many came from."""

import pytest

from inventory.settings import LineGate
from server.events.line.gates.rules import BITS_MAX, HARD_BITS, Needs, needs_of


@pytest.mark.parametrize(
    ("came", "bits"),
    [(0, 0), (49, 0), (50, 16), (99, 16), (100, 18), (199, 18), (200, 20), (10**6, 24)],
)
def test_a_crowd_of_one_network_works_and_nobody_is_refused(came, bits):
    assert needs_of(LineGate(), came, captcha_there=False) == Needs(bits)


def test_a_line_that_asks_for_work_asks_everybody_and_crowds_for_more():
    gate = LineGate(bits=20, per_address=10)
    asked = [needs_of(gate, came, captcha_there=True).bits for came in (0, 9, 10, 20)]
    assert asked == [20, 20, 20, 22]
    # Who sets more than crowds are asked for gets it.
    assert needs_of(LineGate(bits=30), 10**6, captcha_there=True).bits == 30


def test_a_captcha_that_is_not_there_is_work_instead():
    gate = LineGate(captcha=True)
    assert needs_of(gate, 0, captcha_there=True) == Needs(0, captcha=True)
    assert needs_of(gate, 0, captcha_there=False) == Needs(HARD_BITS + 2)
    assert needs_of(gate, 10**6, captcha_there=False).bits == BITS_MAX
    assert not needs_of(LineGate(), 0, captcha_there=False).anything
