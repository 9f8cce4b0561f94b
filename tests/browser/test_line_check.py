"""The checks of a draw that a page makes, held to the same bytes in Python."""

import base64
import copy
from typing import Any

import msgspec
import pytest

from inventory.line import draw
from server.pages.assets import Assets
from tests.contract.client import Json

ENTRANTS = 3_000
SEED = bytes(range(32))
BEACON_SIGNATURE = bytes(range(48))
CHECK = """
async ([address, line, proof, entry, rank]) => {
  const check = await import(address);
  const stub = await check.stubOf(entry);
  const found = [
    ...await check.checkPromise(line),
    ...await check.checkListed(line, proof, stub),
    ...await check.checkOrder(line, proof, stub, rank),
  ];
  return Object.fromEntries(found.map(({ name, mark }) => [name, mark]));
}
"""
GOOD = {
    "rules": "ok",
    "commitment": "ok",
    "root": "ok",
    "listed": "ok",
    "order": "ok",
    "beacon": "open",
}


def entry_of(number: int) -> str:
    return f"entrant-{number:016d}"


def drawn(number: int = 7) -> tuple[Json, Json, str, int]:
    """Draw a line; return it, and the proof, the id and the rank of an entrant."""
    rules = draw.Rules(
        beacon=None,
        beacon_wait_s=60,
        closes_at_ms=1_800_000_000_000,
        draw=2,
        event="evt_ü",
        fix_within_s=6,
        mode="draw",
        offer_s=600,
        opens_at_ms=1_800_000_015_000,
        round=None,
        serve_away=True,
        turn_s=180,
        without_beacon="seed_only",
    )
    rules_hash = draw.rules_hash_of(rules)
    stubs = sorted(draw.stub_of(entry_of(one)) for one in range(ENTRANTS))
    root = draw.entrants_root(stubs)
    randomness = draw.randomness_of(BEACON_SIGNATURE)
    key = draw.key_of(SEED, root, randomness, rules_hash)
    ranks = {stub: rank for rank, stub in enumerate(draw.order_of(key, stubs), 1)}
    buckets = draw.buckets_of(stubs)
    mine = draw.stub_of(entry_of(number))
    bucket = draw.bucket_of(mine)
    proof = draw.proof_of(
        event=rules.event,
        draw=rules.draw,
        entries=ENTRANTS,
        hashes=[draw.bucket_hash_of(one) for one in buckets],
        bucket=bucket,
        stubs=buckets[bucket],
        ranks=[ranks[one] for one in draw.split(buckets[bucket])],
    )
    line = {
        "rules": msgspec.to_builtins(rules),
        "rules_hash": rules_hash.hex(),
        "commitment": draw.commitment_of(SEED, rules_hash).hex(),
        "seed": SEED.hex(),
        "root": root.hex(),
        "entries": ENTRANTS,
        "statement": {"root": root.hex()},
        "beacon": BEACON_SIGNATURE.hex(),
    }
    return line, msgspec.to_builtins(proof), entry_of(number), ranks[mine]


@pytest.fixture
def check(shop, page):
    """A function that has a page check a line, and returns the marks by name."""

    async def check(line: Json, proof: Json, entry: str, rank: int) -> Any:
        await page.goto("/")
        address = Assets().address("line/check.js")
        return await page.evaluate(CHECK, [address, line, proof, entry, rank])

    return check


async def test_what_is_right_holds(check):
    assert await check(*drawn()) == GOOD


def swapped(proof: Json) -> None:
    ranks = proof["ranks"]
    ranks[0], ranks[1] = ranks[1], ranks[0]


def without(proof: Json, stub: bytes) -> None:
    """Leave somebody out of their bucket, as who drops them would."""
    stubs = draw.split(base64.b64decode(proof["stubs"]))
    at = stubs.index(stub)
    del proof["ranks"][at]
    del stubs[at]
    proof["stubs"] = base64.b64encode(b"".join(stubs)).decode()


TAMPERED = {
    "rules": lambda line, proof: line["rules"].update(turn_s=1),
    "commitment": lambda line, proof: line.update(seed="00" * 32),
    "root": lambda line, proof: line.update(entries=ENTRANTS + 1),
    "order": lambda line, proof: swapped(proof),
    "listed": lambda line, proof: without(proof, draw.stub_of(entry_of(7))),
}


@pytest.mark.parametrize("name", TAMPERED)
async def test_what_is_changed_is_found(check, name):
    line, proof, entry, rank = copy.deepcopy(drawn())
    TAMPERED[name](line, proof)
    assert (await check(line, proof, entry, rank))[name] == "bad"


async def test_a_rank_that_was_told_wrongly_is_found(check):
    line, proof, entry, rank = drawn()
    assert (await check(line, proof, entry, rank + 1))["order"] == "bad"
    line["beacon"] = "01" * 48
    assert (await check(line, proof, entry, rank))["order"] == "bad"
