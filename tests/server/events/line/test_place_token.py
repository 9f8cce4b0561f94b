"""A place is its holder's: whatever is changed in it, it opens nothing."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inventory.line import canonical
from inventory.line.draw import stub_of
from server.events.audit.receipts import ReceiptKey
from server.events.line.place_token import (
    PLACE_CHARS_MAX,
    NotAPlace,
    Place,
    is_place,
    mint,
    read,
)

KEY = ReceiptKey(bytes(range(0x20, 0x40)))
OTHER = ReceiptKey(b"2" * 32)
ENTRY = "entrant-0000000000000001"
PLACE = Place(
    sub="usr_1",
    event="evt_1",
    draw=2,
    entry=ENTRY,
    stub=stub_of(ENTRY).hex(),
    late=False,
    joined_at_ms=1_694_773_800_123,
    iat=1_694_773_800,
)


def parts(token: str) -> tuple[dict[str, object], dict[str, object], str]:
    header, claims, signature = token.split(".")

    def opened(part: str) -> dict[str, object]:
        found = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        assert isinstance(found, dict)
        return found

    return opened(header), opened(claims), signature


def packed(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def forged(header: object, claims: object, key: ReceiptKey = KEY) -> str:
    signed = f"{packed(header)}.{packed(claims)}"
    return f"{signed}.{packed(key.sign_bytes(signed.encode()))}"


def test_a_place_says_what_it_was_made_with():
    token = mint(KEY, PLACE)
    assert is_place(token)
    assert read(token, KEY.public) == PLACE
    drawn = replace(PLACE, rank=4_711)
    assert read(mint(KEY, drawn), KEY.public) == drawn


@given(
    sub=st.text(max_size=60),
    event=st.text(max_size=60),
    draw=st.integers(0, canonical.INTEGER_MAX),
    rank=st.none() | st.integers(1, canonical.INTEGER_MAX),
    late=st.booleans(),
)
def test_whatever_it_says_is_spelled_the_one_way(sub, event, draw, rank, late):
    place = replace(PLACE, sub=sub, event=event, draw=draw, rank=rank, late=late)
    for part in mint(KEY, place).split(".")[:2]:
        raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
        assert raw == canonical.encode(canonical.decode(raw))


def test_each_key_has_its_own_header():
    kids = [parts(mint(key, PLACE))[0]["kid"] for key in (KEY, OTHER, KEY)]
    assert kids == [KEY.public.key_id, OTHER.public.key_id, KEY.public.key_id]


def test_it_has_the_claims_that_are_promised_and_any_library_reads_it():
    token = mint(KEY, PLACE)
    header, claims, _ = parts(token)
    assert header == {"alg": "EdDSA", "kid": KEY.public.key_id, "typ": "JWT"}
    assert claims == {
        "iss": "onsale",
        "aud": "place",
        "sub": "usr_1",
        "event": "evt_1",
        "draw": 2,
        "entry": ENTRY,
        "stub": "b92c56fff7fc343319f60fff898e7fc0",
        "late": False,
        "joined_at_ms": 1_694_773_800_123,
        "iat": 1_694_773_800,
    }
    assert parts(mint(KEY, replace(PLACE, rank=3)))[1] == {**claims, "rank": 3}
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(0x20, 0x40)))
    found = jwt.decode(
        token, private.public_key(), algorithms=["EdDSA"], audience="place"
    )
    assert found == claims


def test_another_spelling_of_the_same_signed_words_is_as_good():
    header, claims, _ = parts(mint(KEY, PLACE))
    assert read(forged(header, {**claims, "exp": None}), KEY.public) == PLACE


def test_it_is_of_one_key():
    with pytest.raises(NotAPlace, match="another key"):
        read(mint(OTHER, PLACE), KEY.public)
    header, claims, _ = parts(mint(KEY, PLACE))
    with pytest.raises(NotAPlace, match="changed"):
        read(forged(header, claims, OTHER), KEY.public)


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "usr_2"},
        {"event": "evt_2"},
        {"draw": 1},
        {"late": True},
        {"joined_at_ms": 0},
        {"rank": 1},
    ],
)
def test_what_is_changed_afterwards_is_found(change):
    header, claims, signature = parts(mint(KEY, PLACE))
    token = f"{packed(header)}.{packed({**claims, **change})}.{signature}"
    with pytest.raises(NotAPlace, match="changed"):
        read(token, KEY.public)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "other"},
        {"aud": "access"},
        {"stub": "00" * 16},
        {"entry": "short"},
        {"entry": ENTRY + "\n"},
        {"draw": -1},
        {"draw": True},
        {"draw": 1.5},
        {"late": None},
        {"joined_at_ms": 2**53},
    ],
)
def test_what_is_signed_and_says_something_else_is_no_place(change):
    header, claims, _ = parts(mint(KEY, PLACE))
    with pytest.raises(NotAPlace):
        read(forged(header, {**claims, **change}), KEY.public)


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "event", "entry", "stub"])
def test_it_has_all_its_claims(name):
    header, claims, _ = parts(mint(KEY, PLACE))
    del claims[name]
    with pytest.raises(NotAPlace):
        read(forged(header, claims), KEY.public)


@pytest.mark.parametrize(
    "change", [{"alg": "none"}, {"alg": "HS256"}, {"typ": "at+jwt"}, {"kid": "0"}]
)
def test_a_token_of_another_kind_is_no_place(change):
    header, claims, _ = parts(mint(KEY, PLACE))
    with pytest.raises(NotAPlace):
        read(forged({**header, **change}, claims), KEY.public)


GOOD = mint(KEY, PLACE)
LAST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "..",
        GOOD + "=",
        GOOD + "\n",
        " " + GOOD,
        GOOD[:5] + "+" + GOOD[6:],
        GOOD.rpartition(".")[0] + ".",
        # The last digit of a signature has bits to spare: one spelling of it counts.
        GOOD[:-1] + LAST[LAST.index(GOOD[-1]) ^ 1],
        packed(b"[" * 900) + ".e30.AA",
        packed(b"\xff") + ".e30.AA",
        "é.e30.AA",
    ],
    ids=range(13),
)
def test_what_is_no_token_is_no_place(token):
    with pytest.raises(NotAPlace):
        read(token, KEY.public)


def test_it_is_never_too_long_to_be_kept():
    with pytest.raises(ValueError, match="too long"):
        mint(KEY, replace(PLACE, event="e" * PLACE_CHARS_MAX))
    assert not is_place("a." + "b" * PLACE_CHARS_MAX + ".c")
