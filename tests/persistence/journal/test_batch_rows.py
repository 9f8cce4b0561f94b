import re

import pytest
from msgspec.structs import replace

from inventory.ports import BookedLines, Ownership, ReducedRow
from persistence.journal.batch_rows import COMMIT, encode_call
from persistence.journal.lanes import Pending
from persistence.postgres.migrate import MIGRATIONS
from tests.persistence.journals import make_batch, make_booking, make_result


def pending(event, batch=None, **rows):
    ownership = Ownership(event, "history", 3, "token", 7, b"")
    batch = make_batch(ownership, **rows) if rows else batch
    return Pending(ownership, batch, 0.0)


async def test_a_renewal_has_no_batch_and_stays_at_its_version():
    arguments = encode_call([pending("a")], 10_000)
    nothing = [(None,)] * 4
    assert arguments[1:10] == [("a",), (3,), ("token",), (7,), (7,), *nothing]
    assert arguments[10:] == [None] * 33 + [(None,)] + [None] * 3


async def test_each_row_names_its_event():
    taken = [
        pending("a", sold=[(1, "b1"), (2, "b1")], area_sold={0: 2}),
        pending("b", freed=[(9, "b0")], cancelled=["b0"], sold=[(3, "b2")]),
        pending("c", bookings=[make_booking("b3")], results=[make_result("k")]),
    ]
    arguments = encode_call(taken, 10_000)
    assert arguments[10:13] == [("b",), (9,), ("b0",)]
    assert arguments[13:16] == [("a", "a", "b"), (1, 2, 3), ("b1", "b1", "b2")]
    assert arguments[16:19] == [("a",), (0,), (2,)]
    assert arguments[19:21] == [("c",), ("b3",)]
    assert arguments[25:27] == [('["A-1","A-2"]',), ('{"GA":1}',)]
    assert arguments[27:29] == [("b",), ("b0",)]
    assert arguments[29:32] == [("c",), ("buyer",), ("k",)]


async def test_what_a_booking_costs_stands_in_its_place():
    lines = BookedLines("EUR", ["1", "2"], (4_500, 3_000), [("GA", "2", 1, 5)])
    row = replace(make_booking("b4"), lines=lines)
    taken = [
        pending("a", bookings=[make_booking("b3")]),
        pending("b", bookings=[row]),
    ]
    arguments = encode_call(taken, 10_000)
    assert arguments[37] == (
        None,
        '["EUR",["1","2"],[4500,3000],[["GA","2",1,5]]]',
    )


async def test_what_is_left_of_a_booking_comes_behind_them():
    lines = BookedLines("EUR", ["1"], (4_500,), [])
    left = ReducedRow("b4", ["A-2"], {}, lines)
    arguments = encode_call([pending("a"), pending("b", reduced=[left])], 10_000)
    assert arguments[38:43] == [
        ("b",),
        ("b4",),
        ('["A-2"]',),
        ("{}",),
        ('["EUR",["1"],[4500],[]]',),
    ]


async def test_ranks_come_last_by_stub():
    ranked = [(b"stub 1", 7), (b"stub 2", 8)]
    arguments = encode_call([pending("a"), pending("b", ranked=ranked)], 10_000)
    assert arguments[44:] == [("b", "b"), (b"stub 1", b"stub 2"), (7, 8)]


async def test_a_row_of_another_width_is_refused():
    with pytest.raises(ValueError, match="2 columns where 3"):
        encode_call([pending("a", sold=[(1,)])], 10_000)


def test_the_call_has_as_many_arguments_as_the_function():
    (sql,) = [path.read_text() for path in MIGRATIONS.glob("*_line.sql")]
    pattern = r"CREATE FUNCTION commit_batches\((.*?)\) RETURNS"
    signature = re.search(pattern, sql, re.DOTALL)
    assert signature is not None
    assert len(signature[1].split(",")) == COMMIT.count("$")
