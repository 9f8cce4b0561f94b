"""Frames of every wrong kind: the right end for each, and no harm to anybody else."""

import asyncio

from tests.security.cases import MAKERS, make_case
from tests.security.frame_fuzzer import MEMORY_GROWTH_MAX, errors_in, fuzz

SEED = 20261121
CASES = 2_000


def test_the_same_seed_makes_the_same_cases():
    for number in range(100):
        assert make_case(SEED, number, "e") == make_case(SEED, number, "e")
    assert make_case(SEED, 1, "e") != make_case(SEED + 1, 1, "e")


def test_two_thousand_wrong_frames_end_rightly_and_harm_nobody(server):
    start = server.log_size()
    report = asyncio.run(fuzz(server, SEED, 0, CASES))
    assert report.problems == []
    assert report.cases == CASES
    # Every kind was among them.
    assert len(report.kinds) > len(MAKERS)
    assert errors_in(server.log_path.read_bytes()[start:].decode()) == []
    assert report.grown_bytes < MEMORY_GROWTH_MAX
    assert len(report.bystander_s) > 5
    assert sorted(report.bystander_s)[len(report.bystander_s) // 2] < 1
