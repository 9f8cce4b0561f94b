"""What a batch writes and tells, netted."""

from functools import reduce
from hashlib import sha256
from operator import or_

import pytest
from msgspec import msgpack
from msgspec.structs import replace

from inventory.batch import BatchBuilder, chained
from inventory.changes import (
    BOOKED,
    CANCELLED,
    CONFIGURED,
    MARKS,
    REDUCED,
    HoldBooked,
)
from inventory.loading import decode_changes
from inventory.ports import (
    Batch,
    BookedLines,
    BookingRow,
    Expiry,
    Ownership,
    Publication,
)
from inventory.records import Corrupt
from tests.scenario import NOW_MS, Scene, play


def owned(scene: Scene) -> Ownership:
    return Ownership("evt", "history", 3, "token", scene.stock.version, b"chain")


def commit(scene: Scene, rows: str) -> tuple[Batch, Publication]:
    """Play rows as one batch; what went before is committed and published."""
    scene.stock.touched_seats.clear()
    scene.stock.touched_areas.clear()
    ownership = owned(scene)
    builder = BatchBuilder(scene.stock)
    scene.apply = builder.add
    scene.play(rows)
    scene.apply = scene.stock.apply
    return builder.batch(ownership, "id", NOW_MS), builder.publication(ownership)


def test_a_batch_holds_its_changes_and_their_chain():
    scene = play("ann | hold A-1 | ok")
    batch, _ = commit(scene, "ann | hold A-2 | ok \n bob | hold A-3 | ok")
    assert (batch.base, batch.to, batch.batch_id) == (1, 3, "id")
    changes = decode_changes(batch.body)
    assert changes == [change for change, _ in scene.journal[1:]]
    linked = (b"chain", "evt", 1, 3, NOW_MS, batch.body)
    assert batch.chain == chained(*linked)
    assert batch.chain == sha256(msgpack.encode(linked)).digest()
    assert batch.body == msgpack.encode(changes)


def test_the_chain_tells_apart_what_happened_where_and_when():
    chains = {
        chained(b"chain", "evt", 1, 3, NOW_MS, b"body"),
        chained(b"other", "evt", 1, 3, NOW_MS, b"body"),
        chained(b"chain", "evx", 1, 3, NOW_MS, b"body"),
        chained(b"chain", "evt", 0, 3, NOW_MS, b"body"),
        chained(b"chain", "evt", 1, 2, NOW_MS, b"body"),
        chained(b"chain", "evt", 1, 3, NOW_MS + 1, b"body"),
        chained(b"chain", "evt", 1, 3, NOW_MS, b"other"),
    }
    assert len(chains) == 7


def test_a_booking_sells_its_seats_and_places():
    scene = play("ann | hold A-1 A-2 GA*3 | ok")
    batch, _ = commit(scene, "ann | book h1 order=o-1 | ok")
    assert batch.sold == [(0, "b1"), (1, "b1")]
    assert batch.area_sold == {0: 3}
    assert not batch.freed
    assert not batch.cancelled
    lines = BookedLines("EUR", ["1", "1"], (4_500, 4_500), [("GA", "2", 3, 3_000)])
    assert batch.bookings == [
        BookingRow("b1", "R1", "ann", "o-1", 2, ["A-1", "A-2"], {"GA": 3}, lines)
    ]
    assert batch.settings is None


def test_holds_alone_write_no_rows():
    batch, _ = commit(play(""), "ann | hold A-1 GA*2 | ok \n ann | release h1 | ok")
    assert (batch.sold, batch.freed, batch.area_sold, batch.bookings) == (
        [],
        [],
        {},
        [],
    )


def test_a_cancellation_frees_what_was_sold():
    scene = play("ann | hold A-1 GA*3 | ok \n ann | book h1 | ok")
    batch, _ = commit(scene, "ann | cancel b1 | ok")
    assert batch.freed == [(0, "b1")]
    assert batch.area_sold == {0: -3}
    assert batch.cancelled == ["b1"]
    assert not batch.sold
    assert not batch.bookings


def test_what_is_sold_and_freed_within_a_batch_never_reaches_the_seats():
    rows = """
        ann | hold A-1 GA*3 | ok
        ann | book h1       | ok booking=b1
        ann | cancel b1     | ok
    """
    batch, _ = commit(play(""), rows)
    assert (batch.sold, batch.freed, batch.area_sold) == ([], [], {})
    assert [row.booking for row in batch.bookings] == batch.cancelled == ["b1"]


def test_what_is_freed_and_sold_again_within_a_batch_is_both():
    scene = play("ann | hold A-1 GA*1 | ok \n ann | book h1 | ok booking=b1")
    batch, _ = commit(
        scene,
        """
        ann | cancel b1     | ok
        bob | hold A-1 GA*3 | ok hold=h2
        bob | book h2       | ok booking=b2
        bob | cancel b2     | ok
        zoe | hold A-1 GA*2 | ok hold=h3
        zoe | book h3       | ok booking=b3
        """,
    )
    assert batch.freed == [(0, "b1")]
    assert batch.sold == [(0, "b3")]
    assert batch.area_sold == {0: 1}
    assert batch.cancelled == ["b1", "b2"]


ORDERED = """
    ann     | hold A-1 A-2 GA*3            | ok hold=h1
    for:ann | pledge h1 order=o1 until=900 | ok
    for:ann | book h1 order=o1             | ok booking=b1
"""


def test_a_part_that_is_cancelled_is_freed_and_its_row_tells_what_is_left():
    batch, publication = commit(
        play(ORDERED),
        """
        for:ann | part b1 A-1      | ok
        for:ann | part b1 GA*2     | ok
        """,
    )
    assert (batch.freed, batch.sold, batch.area_sold) == ([(0, "b1")], [], {0: -2})
    (row,) = batch.reduced
    assert (row.booking, row.seats, row.areas) == ("b1", ["A-2"], {"GA": 1})
    assert row.lines == BookedLines("EUR", ["1"], (4_500,), [("GA", "2", 1, 3_000)])
    assert (batch.cancelled, batch.bookings) == ([], [])
    assert publication.letters == b"f"
    assert publication.areas == {0: (9, 0, 1, 0)}


def test_what_a_batch_books_and_reduces_is_netted():
    batch, _ = commit(play(""), ORDERED + " for:ann | part b1 A-1 GA*1 | ok")
    assert (batch.freed, batch.sold, batch.area_sold) == ([], [(1, "b1")], {0: 2})
    assert [row.seats for row in batch.bookings] == [["A-1", "A-2"]]
    assert [row.seats for row in batch.reduced] == [["A-2"]]


def test_a_seat_sold_twice_within_a_batch_stops_the_event():
    """The rows are netted, so that the table would see only one of the two."""
    scene = play("ann | hold A-1 | ok \n bob | hold A-2 | ok")
    builder = BatchBuilder(scene.stock)
    builder.add(HoldBooked("h1", "b1", "R1", None), NOW_MS)
    hold = scene.stock.holds["h2"]
    scene.stock.holds["h2"] = replace(hold, seats=(*hold.seats, 0))
    with pytest.raises(Corrupt, match="sold twice"):
        builder.add(HoldBooked("h2", "b2", "R2", None), NOW_MS)


def test_settings_are_written_when_they_or_the_sale_changed():
    batch, publication = commit(play(""), "org | sale pause | ok")
    assert batch.settings is not None
    assert batch.settings.sale_state == "paused"
    assert publication.settings == batch.settings
    batch, _ = commit(play(""), "org | configure max_per_user=2 | ok")
    assert batch.settings is not None
    assert batch.settings.max_per_user == 2


@pytest.mark.parametrize(
    ("rows", "marks"),
    [
        ("ann | hold A-3 | ok hold=h2 \n ann | release h2 | ok", 0),
        ("org | block A-3 | ok", 0),
        ("ann | hold A-3 | ok hold=h2 \n ann | book h2 | ok", BOOKED),
        ("for:ann | part b1 | ok", CANCELLED),
        ("for:ann | part b1 A-1 | ok", REDUCED),
        ("org | sale pause | ok", CONFIGURED),
        ("org | configure max_per_user=2 | ok", CONFIGURED),
        ("for:ann | part b1 GA*1 | ok \n for:ann | part b1 | ok", CANCELLED | REDUCED),
    ],
)
def test_a_commit_is_marked_with_what_happened_in_it(rows, marks):
    batch, publication = commit(play(ORDERED), rows)
    changes = decode_changes(batch.body)
    assert marks == reduce(or_, [MARKS.get(type(change), 0) for change in changes])
    assert (batch.marks, publication.marks) == (marks, marks)


def test_a_publication_tells_each_touched_seat_once_with_its_last_letter():
    scene = play("ann | hold C-1 GA*1 | ok hold=h1")
    _, publication = commit(
        scene,
        """
        ann | hold A-2 A-1   | ok hold=h2
        ann | book h2        | ok
        bob | hold A-3 GA*2  | ok hold=h3
        bob | release h3 A-3 | ok
        """,
    )
    assert (publication.event, publication.history_id, publication.epoch) == (
        "evt",
        "history",
        3,
    )
    assert (publication.base, publication.to) == (1, 5)
    assert publication.seats == (1, 0, 2)
    assert publication.letters == b"bbf"
    assert publication.areas == {0: (7, 3, 0, 0)}
    assert publication.settings is None
    assert scene.stock.touched_seats == []
    assert scene.stock.touched_areas == set()


def test_a_publication_names_whose_holds_ran_out():
    scene = play("ann | hold A-1 GA*2 ttl=1 | ok hold=h1")
    _, publication = commit(scene, "tick +10s")
    assert publication.expired == [Expiry("ann", "h1", ["A-1"], {"GA": 2})]
    assert publication.letters == b"f"
