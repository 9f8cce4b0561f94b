"""Codes as people type them, and codes that follow from what was asked for."""

from server.shop.promotions.codes import (
    CODE_LENGTH,
    LETTERS,
    codes_of,
    hash_of,
    hash_of_address,
)

SEED = bytes(32)


def test_however_it_is_typed_it_is_one_code_of_one_event():
    ways = ["EARLYBIRD", "early-bird", " Early Bird\n", "e-a-r-l-y b i r d"]
    assert len({hash_of(SEED, "evt", one) for one in ways}) == 1
    assert hash_of(SEED, "evt", "EARLYBIRD") != hash_of(SEED, "evt2", "EARLYBIRD")
    assert hash_of(SEED, "evt", "EARLYBIRD") != hash_of(SEED, "evt", "EARLYBIRDS")
    other = hash_of(bytes([1]) + bytes(31), "evt", "EARLYBIRD")
    assert hash_of(SEED, "evt", "EARLYBIRD") != other


def test_a_code_is_never_the_hash_of_an_address():
    assert hash_of(SEED, "", "A@B") != hash_of_address(SEED, "a@b")


def test_the_same_request_gets_the_same_codes_and_another_one_others():
    first = codes_of(SEED, ["usr", "prm", "key"], 1_000)
    assert codes_of(SEED, ["usr", "prm", "key"], 1_000) == first
    assert len(set(first)) == 1_000
    assert not set(first) & set(codes_of(SEED, ["usr", "prm", "other"], 1_000))
    # Names that would read alike beside each other are told apart.
    assert codes_of(SEED, ["a", "bc"], 3) != codes_of(SEED, ["ab", "c"], 3)
    assert all(len(one) == CODE_LENGTH and set(one) <= set(LETTERS) for one in first)
