"""Proof of work: the protocol of ALTCHA 1, bound to whom and what, for ten minutes."""

import base64
import json
from hashlib import sha256

import pytest

from server.events.line.gates.work import (
    LASTS_S,
    BadProof,
    Challenge,
    Work,
    solve,
)

WORK = Work(b"s" * 32)
NOW_S = 1_800_000_000
RANDOM = bytes(range(20))


def made(bits: int = 6, event: str = "evt", user: str = "ann") -> Challenge:
    return WORK.challenge(event, user, bits, NOW_S, RANDOM)


def checked(proof: str, bits: int = 6, now_s: int = NOW_S, **more: str) -> bytes:
    of = {"event": "evt", "user": "ann", **more}
    return WORK.check(proof, of["event"], of["user"], bits, now_s)


def bent(made_one: Challenge, /, **changes: object) -> str:
    told = json.loads(base64.b64decode(solve(made_one)))
    return base64.b64encode(json.dumps({**told, **changes}).encode()).decode()


def reason_of(proof: str, bits: int = 6, now_s: int = NOW_S, **more: str) -> str:
    with pytest.raises(BadProof) as refused:
        checked(proof, bits, now_s, **more)
    return refused.value.reason


def test_what_is_solved_counts_and_stands_for_its_challenge():
    challenge = made()
    assert checked(solve(challenge)).hex() == challenge.challenge
    # What else a widget says does not count.
    assert checked(bent(challenge, took=12, more=None)).hex() == challenge.challenge


def test_it_is_the_protocol_of_the_widget():
    challenge = made(10)
    assert (challenge.algorithm, challenge.maxnumber) == ("SHA-256", 1_023)
    told = json.loads(base64.b64decode(solve(challenge)))
    digest = sha256(f"{challenge.salt}{told['number']}".encode()).hexdigest()
    assert digest == challenge.challenge
    assert f"?expires={NOW_S + LASTS_S}&" in challenge.salt
    # Its digits cannot be taken for some of the number's.
    assert challenge.salt.endswith("&")


def test_no_two_are_the_same_and_all_numbers_come():
    several = {
        WORK.challenge("evt", "ann", 3, NOW_S, bytes([one]) * 20).challenge
        for one in range(64)
    }
    assert len(several) == 64
    numbers = {
        json.loads(
            base64.b64decode(
                solve(WORK.challenge("evt", "ann", 3, NOW_S, bytes([one]) * 20))
            )
        )["number"]
        for one in range(64)
    }
    assert numbers == set(range(8))


def test_another_ones_or_of_another_event_does_not_count():
    proof = solve(made())
    assert reason_of(proof, user="bert") == "of another"
    assert reason_of(proof, event="other") == "of another"


def test_it_counts_for_ten_minutes():
    proof = solve(made())
    assert checked(proof, now_s=NOW_S + LASTS_S - 1)
    assert reason_of(proof, now_s=NOW_S + LASTS_S) == "expired"


def test_less_work_than_is_asked_by_now_does_not_count():
    assert reason_of(solve(made(6)), bits=7) == "too easy"
    assert checked(solve(made(7)), bits=6)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": 10**9}, "wrong"),
        ({"number": -1}, "wrong"),
        ({"signature": "0" * 64}, "not ours"),
        ({"signature": "ö"}, "not ours"),
        ({"challenge": "0" * 64}, "not ours"),
        ({"algorithm": "SHA-1"}, "unreadable"),
        ({"salt": ""}, "unreadable"),
        ({"number": "7"}, "unreadable"),
        ({"number": 7.5}, "unreadable"),
    ],
)
def test_what_was_bent_does_not_count(changes, reason):
    assert reason_of(bent(made(), **changes)) == reason


def test_time_and_work_in_the_salt_cannot_be_changed():
    challenge = made()
    for old, new in (
        (f"={NOW_S + LASTS_S}", f"={NOW_S + 10**6}"),
        ("bits=6", "bits=9"),
    ):
        salt = challenge.salt.replace(old, new)
        assert salt != challenge.salt
        assert reason_of(bent(challenge, salt=salt)) == "wrong"


@pytest.mark.parametrize("proof", ["", "%", "bm8", "bm90aGluZw==", "W10=", "e30="])
def test_what_cannot_be_read_does_not_count(proof):
    assert reason_of(proof) == "unreadable"


def test_another_secret_signs_nothing_here():
    challenge = Work(b"t" * 32).challenge("evt", "ann", 6, NOW_S, RANDOM)
    assert reason_of(solve(challenge)) == "not ours"
