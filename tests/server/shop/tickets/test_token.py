import random
import string

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from server.shop.tickets.token import (
    CODE_LENGTH_MAX,
    GENERATION_MAX,
    LETTERS,
    NUMBER_LENGTH,
    Claims,
    Unverified,
    event_mark,
    key_id,
    sign,
    verify,
)

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key()
KEY = key_id(PUBLIC.public_bytes_raw())
KEYS = {KEY: PUBLIC}
CLAIMS = Claims(event_mark("evt"), "K7QX2MABCD", 1, "seat", 812, 20_787, KEY)
OF_VERSION_1 = (
    "TAA47MCPAAVW3P7U2HHQAAJ5OVYLABCDAEAM2AZMZVITHTSWI5NKOYVRWZBAZKL3FHXXTNOKJWMSJQMV"
    "UDWV4L6PBM4AXNQ63HCGMY7JMQJREM6I5IMOZMFT374CJODLFAICPPOPP37JCWVDMB6LUOXJAADQ"
)
BASE32 = string.ascii_uppercase + "234567"

claims = st.builds(
    Claims,
    event=st.text().map(event_mark),
    number=st.text(LETTERS, min_size=NUMBER_LENGTH, max_size=NUMBER_LENGTH),
    generation=st.integers(1, GENERATION_MAX),
    kind=st.sampled_from(["seat", "place"]),
    place=st.none() | st.integers(0, 250_000),
    valid_from_day=st.integers(0, 65_535),
    key=st.just(KEY),
)


@given(claims)
def test_a_code_says_what_was_signed_and_is_never_too_long(said):
    code = sign(said, PRIVATE)
    assert verify(code, KEYS) == said
    assert len(code) <= CODE_LENGTH_MAX == 160
    assert set(code) <= set(BASE32)


def test_a_code_of_the_first_version_is_read_for_ever():
    assert sign(CLAIMS, PRIVATE) == OF_VERSION_1
    assert verify(OF_VERSION_1, KEYS) == CLAIMS


def test_no_letter_of_a_code_may_be_another():
    """Not the last one either, of which some bits say nothing."""
    code, dice = sign(CLAIMS, PRIVATE), random.Random(1)
    for at, letter in enumerate(code):
        other = dice.choice([one for one in BASE32 if one != letter])
        found = verify(code[:at] + other + code[at + 1 :], KEYS)
        assert isinstance(found, Unverified), (at, other)
    for other in BASE32:
        if other != code[-1]:
            assert isinstance(verify(code[:-1] + other, KEYS), Unverified)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "A",
        "=" * 8,
        sign(CLAIMS, PRIVATE).lower(),
        sign(CLAIMS, PRIVATE) + "=",
        sign(CLAIMS, PRIVATE) + "AA",
        " " + sign(CLAIMS, PRIVATE),
        sign(CLAIMS, PRIVATE) + "\n",
        sign(CLAIMS, PRIVATE)[:-1],
        "A" * CODE_LENGTH_MAX,
        "A" * (CODE_LENGTH_MAX + 8),
        "ä" * 40,
        "1_0" * 20,
    ],
)
def test_what_is_no_code_is_malformed(code):
    assert verify(code, KEYS) == Unverified("malformed")


def test_guesses_never_pass():
    dice = random.Random(7)
    for _ in range(500):
        length = dice.choice([104, 155, 159, 160])
        guess = "".join(dice.choices(BASE32, k=length))
        assert isinstance(verify(guess, KEYS), Unverified)


def test_a_code_of_another_key_is_told_from_one_that_nobody_knows():
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    assert verify(sign(CLAIMS, other), KEYS) == Unverified("bad_signature")
    stranger = key_id(other.public_key().public_bytes_raw())
    foreign = sign(structs.replace(CLAIMS, key=stranger), other)
    assert verify(foreign, KEYS) == Unverified("unknown_key")
    assert isinstance(verify(foreign, {stranger: other.public_key()}), Claims)
