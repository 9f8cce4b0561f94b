"""`bench snapshot`: loop time that a snapshot or a delta of 20,000 seats takes.

The board is asked as the hub asks it: once for each new version and codec, and again by
everyone who comes at the same version. CPU time, since what other processes take says
nothing about the loop; garbage collection is on, as in the product.
"""

import gc
import random
from collections.abc import Callable
from functools import partial
from time import thread_time_ns
from typing import Any

from msgspec import Struct

from bench.check import percentile
from bench.lab import describe_machine
from bench.outcome import HERE, Common, Outcome, conclude
from inventory.ports import BoardState, Publication
from inventory.settings import Settings
from inventory.venue.arena import arena
from inventory.venue.map import Venue
from server.live.fanout.board import Board
from server.live.fanout.frames import CODECS, Codec

SEATS = 20_000
MS_MAX = 1.0
CHANGED = (500, 5_000)
SHARES: dict[bytes, int] = {b"f": 60, b"h": 10, b"b": 28, b"x": 2}
"""How many of a hundred seats are free, held, booked, blocked."""

SEED = 1


class Sample(Struct, kw_only=True):
    """What one call took."""

    call: str
    codec: str
    bytes: int
    median_ms: float
    p99_ms: float
    max_ms: float


def new_board(venue: Venue, settings: Settings, dice: random.Random) -> Board:
    """Make a board in the middle of a sale."""
    board = Board("evt_bench_snapshot_x", venue, settings, "history")
    letters = b"".join(dice.choices([*SHARES], [*SHARES.values()], k=len(venue.seats)))
    areas = [(area.capacity, 0, 0, 0) for area in venue.areas]
    state = BoardState(board.event, "history", 1, 1, letters, areas, settings)
    board.reset(state, 0.0)
    return board


def change(board: Board, count: int, dice: random.Random) -> None:
    """Give so many seats another letter, in one version."""
    seats = dice.sample(range(len(board.letters)), count)
    letters = b"".join(dice.choices([*SHARES], k=count))
    board.apply(
        Publication(
            board.event,
            board.history_id,
            board.epoch,
            board.version,
            board.version + 1,
            tuple(seats),
            letters,
            {},
            None,
            [],
        ),
        float(board.version),
    )


def take(
    name: str, codec: Codec, rounds: int, before: Callable[[], Any], call: Any
) -> Sample:
    """Time one call, again and again, with something else before each."""
    gc.collect()
    taken = []
    size = 0
    for _ in range(rounds):
        before()
        begun = thread_time_ns()
        frame = call()
        taken.append((thread_time_ns() - begun) / 1e6)
        size = len(frame)
    taken.sort()
    return Sample(
        call=name,
        codec=codec.name.rpartition(".")[2],
        bytes=size,
        median_ms=percentile(taken, 0.5),
        p99_ms=percentile(taken, 0.99),
        max_ms=taken[-1],
    )


def measure(rounds: int) -> list[Sample]:
    """Time all calls with both codecs."""
    venue = Venue(arena(SEATS))
    settings = Settings(
        name="Bench", sale_state="on_sale", starts_at_ms=1_800_000_000_000, prices={}
    )
    dice = random.Random(SEED)
    found = []
    for codec in CODECS.values():
        board = new_board(venue, settings, dice)

        def snapshot(board: Board = board, codec: Codec = codec) -> bytes:
            return board.snapshot(codec)

        def sell(count: int, board: Board = board) -> None:
            change(board, count, dice)

        found.append(take("snapshot", codec, rounds, partial(sell, 1), snapshot))
        found.append(take("the same again", codec, rounds, lambda: None, snapshot))
        for count in CHANGED:

            def delta(board: Board = board, codec: Codec = codec) -> bytes:
                return board.delta(board.version - 1, codec, promised=True)

            name = f"delta of {count:,}"
            found.append(take(name, codec, rounds, partial(sell, count), delta))
    return found


def judge(samples: list[Sample]) -> list[str]:
    """Say what takes longer than it may; a delta of everything may take longer."""
    return [
        f"{sample.call} in {sample.codec}: {name} {value:.3f} ms, over {MS_MAX:g} ms"
        for sample in samples
        if sample.call == "snapshot"
        for name, value in (("median", sample.median_ms), ("p99", sample.p99_ms))
        if value > MS_MAX
    ]


def snapshot(*, rounds: int = 1_000, common: Common = HERE) -> int:
    """Measure the loop time of snapshots and deltas of a board of 20,000 seats.

    Ends with 1 where a
    snapshot takes more than 1 ms.

    Parameters
    ----------
    rounds
        How often each call is timed.
    """
    samples = measure(rounds)
    return conclude(
        Outcome(
            bench="snapshot",
            title=f"Frames of a board of {SEATS:,} seats",
            columns=["call", "codec", "bytes", "median ms", "p99 ms", "max ms"],
            rows=[
                [
                    sample.call,
                    sample.codec,
                    f"{sample.bytes:,}",
                    f"{sample.median_ms:.3f}",
                    f"{sample.p99_ms:.3f}",
                    f"{sample.max_ms:.3f}",
                ]
                for sample in samples
            ],
            figures={"ms_max": MS_MAX, "samples": samples},
            missed=judge(samples),
            machine=describe_machine(),
        ),
        common,
    )
