"""A draw that a child computes is the one that follows from the rules."""

from array import array
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests.inventory.line.test_draw as vector
from inventory.line import draw
from server.events.line.drawing.computing import (
    FIX,
    ORDER,
    Twice,
    fix,
    listed,
    order,
    ordered,
    work,
)

STUBS = b"".join(sorted(vector.STUBS))
A_STUB = st.binary(min_size=16, max_size=16)


def test_the_list_of_the_whole_draw_has_its_root():
    found = listed(work(FIX + STUBS))
    assert found.root == vector.ROOT
    assert found.stubs == STUBS
    assert sum(found.counts) == 8
    proof = draw.proof_of(
        event="evt",
        draw=2,
        entries=8,
        hashes=found.hashes,
        bucket=740,
        stubs=found.bucket(740),
        ranks=None,
    )
    assert proof.stubs == b64encode(vector.STUBS[7] + vector.STUBS[0]).decode()
    assert draw.is_proven(proof, root=vector.ROOT.hex(), stub=vector.STUBS[7])


def test_the_order_of_the_whole_draw_is_its_order():
    found = ordered(work(ORDER + vector.KEY + STUBS))
    assert draw.split(found.stubs) == vector.STUBS
    assert found.line_hash.hex() == vector.DRAWN["line_hash"]
    rows = draw.split(STUBS)
    assert [rows[row] for row in found.rows] == vector.STUBS
    assert [vector.STUBS[rank - 1] for rank in found.ranks] == rows


@given(st.sets(A_STUB, max_size=30).flatmap(lambda found: st.permutations(list(found))))
def test_whatever_the_rows_are_each_has_one_rank(stubs):
    key = sha256(b"key").digest()
    given_stubs = b"".join(stubs)
    found = ordered(order(key, given_stubs))
    assert draw.split(found.stubs) == draw.order_of(key, stubs)
    assert [stubs[row] for row in found.rows] == draw.split(found.stubs)
    line = draw.split(found.stubs)
    assert [line[rank - 1] for rank in found.ranks] == sorted(stubs)
    told = listed(fix(given_stubs))
    assert told.root == draw.entrants_root(stubs)
    assert [told.bucket(one) for one in range(draw.BUCKETS)] == draw.buckets_of(
        sorted(stubs)
    )


def test_a_stub_that_is_there_twice_is_found():
    with pytest.raises(Twice):
        listed(fix(STUBS + vector.STUBS[3]))


def test_nobody_at_all_is_a_list_too():
    assert listed(fix(b"")).root == draw.entrants_root([])
    found = ordered(order(vector.KEY, b""))
    assert (found.stubs, found.rows) == (b"", array("I"))
    assert found.line_hash == draw.line_hash_of([])
