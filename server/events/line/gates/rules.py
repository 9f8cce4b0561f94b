"""What is asked of somebody who joins a line: pure.

An address is no identity: behind one there may be a whole school. So whoever comes from
a network that many came from is not refused, but has to work for it, the longer the
more came.
"""

from typing import Final

from msgspec import Struct

from inventory.settings import LineGate, Settings

HARD_BITS: Final = 16
"""What is asked at least where a network is crowded: some ten thousand hashes."""

STEP_BITS: Final = 2
"""More for each time that twice as many came."""

BITS_MAX: Final = 24
"""A browser takes up to a minute for that."""


class Needs(Struct, frozen=True):
    """What is asked: bits of work, and whether a captcha is to be solved."""

    bits: int = 0
    captcha: bool = False

    @property
    def anything(self) -> bool:
        """Return whether anything is asked."""
        return self.bits > 0 or self.captcha


def needs_of(gate: LineGate, came: int, *, captcha_there: bool) -> Needs:
    """Return what is asked of the next of a network that so many `came` from.

    Where the captcha cannot be asked, work is instead: nobody is kept out because
    another company is not there.
    """
    bits = gate.bits
    crowd = came // gate.per_address
    if crowd:
        bits = harder(bits, STEP_BITS * (crowd.bit_length() - 1))
    if gate.captcha and not captcha_there:
        bits = harder(bits, STEP_BITS)
    return Needs(bits, gate.captcha and captcha_there)


def account_days_of(settings: Settings) -> int:
    """Return how many days old an account has to be to join; 0 where none has to."""
    line = settings.line
    if line is None or line.mode == "list":
        return 0
    return line.gate.account_days


def harder(bits: int, more: int) -> int:
    """Return more work than so many bits, but none that nobody could do."""
    return max(bits, min(BITS_MAX, max(bits, HARD_BITS) + more))
