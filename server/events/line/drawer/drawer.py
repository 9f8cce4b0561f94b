"""Runs draws: the list is closed and told, its round waited for, the order made, fed.

Purpose: what was promised when the line was opened comes true by itself, in the order
that docs/fairness.md explains.

Concurrency: beside the event's owner, one at a time for an event. What a draw needs of
memory and time is computed in a child.

Invariants: each step is done once, whoever does it: what was done is in the event's
journal, else in the tables, and nothing else is remembered. Whoever goes on from any
moment comes to the same order: the round is the one in force, and a signature that was
had is written down before anything is made of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal

import msgspec
import structlog

from inventory import limits
from inventory.changes import EntrantsFixed
from inventory.commands import DrawLine, FeedLine, FixEntrants, PutOffRound
from inventory.line import canonical, draw
from inventory.line.draw import Rules
from inventory.line.line import Line
from inventory.ports import Clock
from inventory.replies import Ok, Refused
from inventory.rules.line import FIXED_BEFORE_MS, round_at_ms
from persistence.events.line.lines import LineRow, Lines
from persistence.events.line.lists import ListRow, Lists, Segment
from server.events.audit.receipts import ReceiptKey
from server.events.line.beacon.beacons import Beacons
from server.events.line.beacon.rounds import RoundUnavailable
from server.events.line.drawer import pages
from server.events.line.drawer.telling import DrawnNews, FixedNews, LineTold, fixed_of
from server.events.line.drawing.drawing import Drawing
from server.events.line.opening import LineOpening
from server.events.line.service import wish_of
from server.events.line.transcript.journal import JournalPages
from server.events.line.transcript.writer import statement_of
from server.live.actors.registry import LocalEvent, ask

NEWEST_S: Final = 1.0
"""So long a relay may take to say which round is its newest, when the list is told."""

AGAIN_S: Final = 0.25
"""When a round is asked for again that was not to be had."""

Step = Literal["list", "fix", "round", "order", "feed"]
"""What a draw takes time for: `round` is waiting until that is out, and getting it."""

Wait = Callable[[int], Awaitable[None]]
"""Waits until a time, in Unix ms."""

log = structlog.get_logger()


class NotNow(Exception):
    """A step was not taken; it is begun again."""


class OutOfRounds(Exception):
    """The round was put off as often as may be: only a new draw helps."""


class Over(Exception):
    """There is nothing more to draw: the line is over, or another draw is open."""


class Drawer:
    """Runs draws. Raises `Unavailable`, and `NotNow`; then it is called again.

    `tell` is given what everybody who waits is to hear.
    """

    def __init__(
        self,
        lines: Lines,
        lists: Lists,
        opening: LineOpening,
        beacons: Beacons,
        drawing: Drawing,
        journal: JournalPages,
        key: ReceiptKey,
        clock: Clock,
        tell: Callable[[LineTold], None],
        wait: Wait | None = None,
    ) -> None:
        self._lines = lines
        self._lists = lists
        self._opening = opening
        self._beacons = beacons
        self._drawing = drawing
        self._journal = journal
        self._key = key
        self._clock = clock
        self._tell = tell
        self._wait = self._sleep if wait is None else wait
        self.took_s: dict[Step, float] = {}
        """What each step took when it was taken last, in seconds."""

    async def run(self, event: str, local: LocalEvent) -> None:
        """Run the draw of an event from wherever it is to its end.

        Raises `Over` and `OutOfRounds`, too; the seed's `Refusal`, where it is derived
        from another secret than it was.
        """
        row = await self._lines.find(event)
        if row is None or row.mode != "draw" or row.order_key is not None:
            raise Over
        rules = draw.rules_of(row.rules.encode())
        listed = await self._close(row, rules)
        if listed.root is None:
            with self._timed("list"):
                listed = await self._list(listed)
        if listed.statement is None:
            with self._timed("fix"):
                listed = await self._fix(local, row, rules, listed)
        if not listed.drawn:
            listed = await self._draw(local, row, rules, listed)
        with self._timed("feed"):
            await self._feed(local, row, listed)
            await self._lists.note_done(listed)

    @contextmanager
    def _timed(self, step: Step) -> Iterator[None]:
        """Note what a step took that was taken to its end."""
        begun = self._clock.monotonic()
        yield
        self.took_s[step] = self._clock.monotonic() - begun

    # -- The list

    async def _close(self, row: LineRow, rules: Rules) -> ListRow:
        """Let nobody gather any more; who was told that they do is in the list."""
        found = await self._lists.find(row.event_id, row.draw)
        if found is not None:
            return found
        assert rules.closes_at_ms is not None
        await self._wait(rules.closes_at_ms)
        moved = row
        if row.phase == "gathering":
            moved = await self._lines.move(row, "late")
        if (moved.phase, moved.draw) != ("late", row.draw):
            raise Over
        now_ms = self._clock.now_ms()
        return await self._lists.begin(row.event_id, row.draw, now_ms)

    async def _list(self, listed: ListRow) -> ListRow:
        """Have the root computed, and write down what proves each bucket."""
        event, number = listed.event_id, listed.draw
        joins = {
            "gates": await self._lists.gates(event, number),
            "minutes": await self._lists.minutes(event, number),
        }
        found = await self._drawing.fix(await self._lists.stubs(event, number))
        buckets = await asyncio.to_thread(pages.buckets_of, found)
        await self._lists.note_listed(
            listed,
            len(found.stubs) // draw.STUB_BYTES,
            found.root,
            b"".join(found.hashes),
            msgspec.json.encode(joins).decode(),
            buckets,
        )
        return await self._again(listed)

    async def _fix(
        self, local: LocalEvent, row: LineRow, rules: Rules, listed: ListRow
    ) -> ListRow:
        """Have the event fix the list before its round is out, and tell it to all."""
        assert listed.entries is not None
        assert listed.root is not None
        version = 0
        while (line := _line_of(local, row)).fixed is None:
            why = await self._void(line)
            if why is not None:
                await self._put_off(local, row, line, why)
                continue
            reply = await ask(
                local,
                FixEntrants(
                    id=0,
                    event=row.event_id,
                    draw=row.draw,
                    entries=listed.entries,
                    root=listed.root,
                    closed_at_ms=listed.closed_ms,
                ),
                "",
                False,
                None,
                system=True,
            )
            version = await self._settled(reply)
        at_ms, change = await self._journal.find(
            row.event_id, EntrantsFixed, row.draw, max(0, version - 1)
        )
        statement = statement_of(
            change,
            event=row.event_id,
            draw=row.draw,
            commitment=row.commitment,
            at_ms=at_ms,
        )
        text = canonical.encode(msgspec.to_builtins(statement)).decode()
        signature = self._key.sign_bytes(draw.fixed_bytes(statement))
        await self._lists.note_fixed(listed, text, signature, change.round)
        told = await self._again(listed)
        self._tell(FixedNews(row.event_id, fixed_of(told)))
        return told

    async def _void(self, line: Line) -> str | None:
        """Return why the round in force can be none for this list; None where it can.

        A relay that has it is believed more than our clock is.
        """
        out_ms, beacon = round_at_ms(line), line.rules.beacon
        if out_ms is None or beacon is None or line.round is None:
            return None
        if self._clock.now_ms() > out_ms - FIXED_BEFORE_MS:
            return "slow"
        source = self._beacons.source(beacon)
        try:
            async with asyncio.timeout(NEWEST_S):
                newest = None if source is None else await source.newest()
        except TimeoutError:
            newest = None
        return "out" if newest is not None and newest >= line.round else None

    async def _put_off(
        self, local: LocalEvent, row: LineRow, line: Line, why: str
    ) -> None:
        """Have the event name the next round, by rule."""
        if line.put_off >= limits.ROUNDS_PUT_OFF_MAX:
            raise OutOfRounds
        log.warning("a round is void", event_id=row.event_id, round=line.round, why=why)
        command = PutOffRound(id=0, event=row.event_id, draw=row.draw, why=why)
        reply = await ask(local, command, "", False, None, system=True)
        await self._settled(reply)
        number = _line_of(local, row).round
        await self._lists.note_round(row.event_id, row.draw, number)

    # -- The order

    async def _draw(
        self, local: LocalEvent, row: LineRow, rules: Rules, listed: ListRow
    ) -> ListRow:
        """Have the order computed from the round, and the event draw by it."""
        drawn = _line_of(local, row).drawn
        signature = None if drawn is None else drawn.signature
        if drawn is None:
            signature = listed.beacon
            if signature is None:
                with self._timed("round"):
                    signature = await self._fetched(local, row, rules)
            if signature is not None and listed.beacon is None:
                await self._lists.note_beacon(listed, signature)
                signature = (await self._again(listed)).beacon
        with self._timed("order"):
            listed = await self._order(row, listed, signature)
        assert listed.line_hash is not None
        seed = self._opening.seed_of(row)
        while _line_of(local, row).drawn is None:
            command = DrawLine(
                id=0,
                event=row.event_id,
                draw=row.draw,
                seed=seed,
                line_hash=listed.line_hash,
                signature=signature,
            )
            reply = await ask(local, command, "", False, None, system=True)
            await self._settled(reply)
        await self._lists.note_drawn(listed, seed)
        told = await self._again(listed)
        self._tell(
            DrawnNews(
                row.event_id,
                row.draw,
                seed.hex(),
                None if signature is None else signature.hex(),
                listed.line_hash.hex(),
            )
        )
        return told

    async def _fetched(
        self, local: LocalEvent, row: LineRow, rules: Rules
    ) -> bytes | None:
        """Return the round's signature; None where the rules let one go without it."""
        line = _line_of(local, row)
        out_ms, beacon = round_at_ms(line), rules.beacon
        if out_ms is None or beacon is None or line.round is None:
            return None
        await self._wait(out_ms)
        until_ms = out_ms + 1_000 * rules.beacon_wait_s
        source = self._beacons.source(beacon)
        while True:
            try:
                if source is not None:
                    return await source.fetch(line.round)
            except RoundUnavailable as error:
                log.warning("a draw waits", event_id=row.event_id, reason=str(error))
            now_ms = self._clock.now_ms()
            if rules.without_beacon == "seed_only" and now_ms >= until_ms:
                return None
            _line_of(local, row)
            await self._wait(now_ms + int(1_000 * AGAIN_S))

    async def _order(
        self, row: LineRow, listed: ListRow, signature: bytes | None
    ) -> ListRow:
        """Have the order computed and written down, where that was not done."""
        assert listed.root is not None
        randomness = draw.NO_RANDOMNESS
        if signature is not None:
            randomness = draw.randomness_of(signature)
        seed = self._opening.seed_of(row)
        key = draw.key_of(seed, listed.root, randomness, row.rules_hash)
        if listed.order_key == key:
            return listed
        stubs = await self._lists.stubs(row.event_id, row.draw)
        order = await self._drawing.order(key, stubs)
        segments, ranks = await asyncio.to_thread(pages.order_of, order, stubs)
        await self._lists.note_order(listed, key, order.line_hash, segments, ranks)
        return await self._again(listed)

    async def _feed(self, local: LocalEvent, row: LineRow, listed: ListRow) -> None:
        """Bring the entrants to the event, the first of them first.

        While the event takes some, the next are read.
        """
        assert listed.entries is not None
        fed = _line_of(local, row).fed
        taking = asyncio.ensure_future(self._lists.take(listed, fed + 1, fed))
        try:
            while fed < listed.entries:
                segment = await taking
                first, upto = fed + 1, fed + len(segment.users)
                if upto < listed.entries:
                    taking = asyncio.ensure_future(
                        self._lists.take(listed, upto + 1, fed)
                    )
                command = command_for(row, segment, first)
                reply = await ask(local, command, "", False, None, system=True)
                await self._settled(reply)
                fed = upto
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    # -- One step after the other

    async def _settled(self, reply: object) -> int:
        """Return the version that a step made; 0 where somebody had done it.

        What a refusal has seen is committed: whoever asked looks at the line again.
        """
        if isinstance(reply, Refused):
            if reply.code == "line_over":
                raise Over
            if reply.code != "wrong_state":
                raise NotNow(reply.code)
            # Our clock and the event's differ by a little.
            await self._wait(self._clock.now_ms() + 10)
            return 0
        assert isinstance(reply, Ok)
        return reply.version if isinstance(reply.version, int) else 0

    async def _again(self, listed: ListRow) -> ListRow:
        found = await self._lists.find(listed.event_id, listed.draw)
        assert found is not None
        return found

    async def _sleep(self, until_ms: int) -> None:
        while (left_ms := until_ms - self._clock.now_ms()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left_ms / 1_000)


def command_for(row: LineRow, segment: Segment, first_rank: int) -> FeedLine:
    """Return the command that feeds a segment."""
    # Most wishes are alike: each is read once.
    texts: dict[str | None, int] = {None: 0}
    numbers = [texts.setdefault(one, len(texts)) for one in segment.wishes]
    wishes = [wish for text in texts if (wish := wish_of(text)) is not None]
    return FeedLine(
        id=0,
        event=row.event_id,
        draw=row.draw,
        first_rank=first_rank,
        users=segment.users,
        stubs=segment.stubs,
        classes=b"".join([one.to_bytes(2, "big") for one in numbers]),
        wishes=wishes,
        left=segment.gone,
    )


def _line_of(local: LocalEvent, row: LineRow) -> Line:
    """Return the line that a draw is of. Raises `Over` where another one is open."""
    stock = local.actor.stock
    line = None if stock is None else stock.line
    if line is None:
        raise NotNow("the event is not loaded")
    if line.opened.draw != row.draw:
        raise Over
    return line
