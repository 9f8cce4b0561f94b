"""Codes are read with the keys of those who sell; a new key is found, and cheaply."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.shop.checkin.codes import ASKED_EVERY_S, KEPT_MAX, KEPT_S, CodeReader
from server.shop.tickets.token import Claims, event_mark, key_id, sign


class Seller:
    """Has keys, and notes how often it was asked for them."""

    def __init__(self) -> None:
        self.private: dict[str, Ed25519PrivateKey] = {}
        self.asked: list[str | None] = []

    def add_key(self) -> str:
        private = Ed25519PrivateKey.generate()
        key = key_id(private.public_key().public_bytes_raw())
        self.private[key] = private
        return key

    async def public_keys(self, organisation):
        self.asked.append(organisation)
        return {key: one.public_key() for key, one in self.private.items()}

    def code(self, key: str, number: str = "ABCDEFGHJK") -> str:
        claims = Claims(event_mark("evt"), number, 1, "seat", 4, 20_000, key)
        return sign(claims, self.private[key])


@pytest.fixture
def seller() -> Seller:
    return Seller()


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


async def test_keys_are_kept_for_a_while(seller):
    clock = Clock()
    reader, key = CodeReader(seller, clock), seller.add_key()
    for _ in range(3):
        claims = await reader.read(seller.code(key), "org")
        assert claims is not None
        assert (claims.number, claims.event) == ("ABCDEFGHJK", event_mark("evt"))
    assert seller.asked == ["org"]
    assert await reader.read(seller.code(key), None) is not None
    assert seller.asked == ["org", None]
    clock.now_s += KEPT_S + 1
    assert await reader.read(seller.code(key), "org") is not None
    assert seller.asked == ["org", None, "org"]


async def test_a_new_key_is_found_and_unknown_ones_cost_little(seller):
    clock, other = Clock(), Seller()
    reader, strange = CodeReader(seller, clock), other.code(other.add_key())
    seller.add_key()
    for _ in range(20):
        clock.now_s += ASKED_EVERY_S / 30
        assert await reader.read(strange, "org") is None
    assert len(seller.asked) == 1
    new = seller.add_key()
    clock.now_s += ASKED_EVERY_S + 0.1
    assert await reader.read(seller.code(new), "org") is not None
    assert len(seller.asked) == 2


async def test_the_first_key_is_found_at_once(seller):
    reader, other = CodeReader(seller, Clock()), Seller()
    assert await reader.read(other.code(other.add_key()), "org") is None
    assert await reader.read(seller.code(seller.add_key()), "org") is not None


async def test_what_is_no_code_or_forged_is_nothing(seller):
    reader, key = CodeReader(seller, Clock()), seller.add_key()
    code = seller.code(key)
    forged = seller.code(key, "ABCDEFGHJL")[:40] + code[40:]
    for wrong in ("", "x", "ß", code[:-1], code.lower(), forged, "A" * 1_000):
        assert await reader.read(wrong, "org") is None
    assert len(seller.asked) == 1


async def test_keys_of_so_many_sellers_are_kept(seller):
    reader = CodeReader(seller, Clock())
    seller.add_key()
    for n in range(KEPT_MAX + 1):
        await reader.keys(f"org_{n}", KEPT_S)
    await reader.keys(f"org_{KEPT_MAX}", KEPT_S)
    assert len(seller.asked) == KEPT_MAX + 1
    await reader.keys("org_0", KEPT_S)
    assert len(seller.asked) == KEPT_MAX + 2
