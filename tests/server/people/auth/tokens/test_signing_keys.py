import math

import pytest

from persistence.people.tokens.token_keys import StoredSeed
from server.people.auth.tokens.signing_keys import (
    KEPT_S,
    KEY_S,
    RIPE_S,
    KeyPair,
    choose_keys,
)


def seeds(*ages_s):
    """Stored seeds of these ages, newest first; each seed is its place in line."""
    return [StoredSeed(bytes([n]) * 32, age_s) for n, age_s in enumerate(ages_s)]


def chosen(*ages_s):
    """The places of the keys that count, the one that signs first."""
    places = {KeyPair(bytes([n]) * 32).kid: n for n in range(len(ages_s))}
    return [places[pair.kid] for pair in choose_keys(seeds(*ages_s)).pairs]


@pytest.mark.parametrize(
    ("ages_s", "places"),
    [
        # The very first key has nothing to wait for.
        ([0], [0]),
        ([math.inf], [0]),
        # A new one is shown before it signs.
        ([0, KEY_S], [1, 0]),
        ([RIPE_S - 1, KEY_S], [1, 0]),
        ([RIPE_S, KEY_S], [0, 1]),
        # What it replaced is believed until the last of its tokens has expired.
        ([KEPT_S, KEY_S], [0, 1]),
        ([KEPT_S + 1, KEY_S], [0]),
        ([RIPE_S, KEPT_S + 1, KEY_S], [0, 1]),
    ],
)
def test_which_keys_count(ages_s, places):
    assert chosen(*ages_s) == places


def test_keys_that_are_over_are_named():
    found = seeds(RIPE_S, KEPT_S + 1, KEY_S, 2 * KEY_S)
    assert choose_keys(found).over == [found[2].seed, found[3].seed]


def test_a_secret_gives_one_key_and_does_not_show():
    first, again = KeyPair.from_secret("s" * 32), KeyPair.from_secret("s" * 32)
    assert first.jwk == again.jwk
    assert first.kid != KeyPair.from_secret("t" * 32).kid
    assert repr(first) == f"KeyPair('{first.kid}')"
    with pytest.raises(ValueError, match="32 bytes"):
        KeyPair.from_secret("short")
