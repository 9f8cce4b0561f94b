"""The frames of the line on the websocket: join, wish, leave, wait.

`join_waitlist` and `leave_waitlist` are the same line by the names that a waitlist has.
"""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Final, cast

from msgspec import structs

from inventory.commands import EventId, Key, Label, Quantity, Token
from inventory.line.wishes import Wish
from inventory.rejections import DETAILS, Code
from inventory.replies import ExtendOk, Ok, Reply, refuse
from persistence.errors import Unavailable
from persistence.events.line.lines import LineRow
from server.base.identity import Identity
from server.base.refusals.refusals import CommandRefused, Refusal
from server.events.line.drawer.telling import DRAW_TELLING
from server.events.line.messages.telling import message_of
from server.events.line.news import LINE_NEWS
from server.events.line.odds.forecasts import FORECASTS
from server.events.line.odds.words import Word
from server.events.line.rules import State, TellablePhase, state_of
from server.events.line.service import LINE_DESK, Asked, wish_of
from server.events.line.service_control import LINE_CONTROL
from server.events.line.waiters.waiters import WAITERS
from server.events.line.wire.bodies import (
    CaptchaAnswer,
    Device,
    Locale,
    PlaceToken,
    Proof,
    WishBody,
)
from server.events.line.wire.examples import ENTRY_ID, OTHER_WISH, WISH, example_of
from server.events.line.wire.outlook import (
    Facts,
    Outlook,
    Why,
    outlook_of,
    why_fallen,
)
from server.live.fanout.frames import Frame
from server.live.websocket.session import Session
from server.transport.capability.frame_row import FrameRow
from server.transport.rest.guard import GUEST_BOOK


class LineFrame(Frame, kw_only=True):
    """What every frame about one event's line carries.

    A `key` may be given, as with commands; who joins again has the same place anyway.
    """

    event: EventId
    key: Key | None = None


class JoinLine(LineFrame, tag="join_line"):
    """Join the line of an event, or be told the place that one has."""

    wish: WishBody | None = None
    device: Device | None = None
    locale: Locale = ""
    proof: Proof | None = None
    captcha: CaptchaAnswer | None = None


class JoinWaitlist(LineFrame, kw_only=True, tag="join_waitlist"):
    """Join the waitlist: `join_line` with a wish for so many together."""

    quantity: Quantity
    category: Label | None = None


class SetWishFrame(LineFrame, tag="set_wish"):
    """Wish for something else, at one's place; without one to choose oneself."""

    wish: WishBody | None = None
    more_time: bool = False


class LeaveLineFrame(LineFrame, tag="leave_line"):
    """Give up one's place, or a turn with what it holds."""


class LeaveWaitlist(LineFrame, kw_only=True, tag="leave_waitlist"):
    """Give up the place that `join_waitlist` told."""

    entry: Token


class PausePlaceFrame(LineFrame, tag="pause_place"):
    """Be passed over until `resume_place`; the place stays."""


class ResumePlaceFrame(LineFrame, tag="resume_place"):
    """Wait again."""


class ExtendTurnFrame(LineFrame, tag="extend_turn"):
    """Have a tenth more of the time for one's turn, ten times at most."""


class Wait(LineFrame, tag="wait"):
    """Be told here of one's turn; an open one is told again at once, as is the draw.

    A `place` that is given has to be the caller's own.
    """

    place: PlaceToken | None = None


class Unwait(LineFrame, tag="unwait"):
    """Wait here no longer; the place stays."""


class PlaceFrame(LineFrame, tag="place"):
    """Ask for one's rank and how many are before one."""


class JoinOk(Ok, tag="ok"):
    """A place; `rank` is null until it is fed, within a second."""

    entry: str
    place: str
    stub: str
    phase: TellablePhase
    rank: int | None


class WaitOk(Ok, tag="ok"):
    """How the caller's place is."""

    state: State
    phase: TellablePhase
    stub: str
    rank: int | None


class PlaceOk(Ok, tag="ok"):
    """How the caller's place is, how many before it are not done, and what to expect.

    All as with the place over REST; `why` is why `odds_end` is a lower word than at the
    last time. It is counted anew every two seconds at most.
    """

    state: State
    rank: int | None
    ahead: int | None
    here_ahead: int | None = None
    from_s: int | None = None
    to_s: int | None = None
    odds: Word | None = None
    odds_end: Word | None = None
    facts: Facts | None = None
    others: dict[str, Word] | None = None
    why: Why | None = None

    def outlook(self) -> Outlook:
        """Return what it says of what is to be expected."""
        return Outlook(odds=self.odds, odds_end=self.odds_end, facts=self.facts)


class Waiting:
    """The lines that one connection waits in."""

    __slots__ = ("_session", "asked", "events")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.events: tuple[str, ...] = ()
        self.asked: tuple[str, float, PlaceOk] | None = None
        """Of which event the place was asked for last, when, and what was answered."""

    def close(self) -> None:
        """Wait no more."""
        waiters = self._session.app[WAITERS]
        for event in self.events:
            waiters.unwait(event, self._session.writer)


ASKED_S: Final = 2.0

Work = Callable[[Session, Identity, Any], Awaitable[Reply]]


def handler(work: Work) -> Callable[[Session, Identity, Any], None]:
    """Return what answers a frame by what some work returns, beside other frames."""

    def handle(session: Session, caller: Identity, frame: Any) -> None:
        session.spawn(_answer(session, caller, frame, work))

    return handle


async def _answer(session: Session, caller: Identity, frame: Any, work: Work) -> None:
    if not isinstance(frame, PlaceFrame):
        session.keep(Waiting).asked = None
    try:
        reply = await work(session, caller, frame)
    except Unavailable:
        reply = refuse("unavailable")
    except CommandRefused as refused:
        reply = refused.refused
    except Refusal as refusal:
        known = refusal.code in DETAILS
        code = cast("Code", refusal.code) if known else "forbidden"
        reply = refuse(code, refusal.detail)
    session.answer(frame.id, reply)


async def join_line(session: Session, caller: Identity, frame: JoinLine) -> Reply:
    """Join, and be told of one's turn here."""
    wish = None if frame.wish is None else frame.wish.wish()
    asked = Asked(
        wish,
        frame.locale,
        frame.device,
        _net_of(session),
        frame.proof,
        frame.captcha,
    )
    return await _join(session, caller, frame, asked)


async def join_waitlist(
    session: Session, caller: Identity, frame: JoinWaitlist
) -> Reply:
    """Join with a wish."""
    categories = () if frame.category is None else (frame.category,)
    asked = Asked(Wish(frame.quantity, categories), net=_net_of(session))
    return await _join(session, caller, frame, asked)


def _net_of(session: Session) -> str | None:
    """Return what stands for the network of a client, where that is limited."""
    return None if session.sender is None else session.sender.origin


async def _join(
    session: Session, caller: Identity, frame: LineFrame, asked: Asked
) -> Reply:
    joined = await session.app[LINE_DESK].join(caller, frame.event, asked)
    book = session.app.get(GUEST_BOOK)
    if book is not None and caller.role == "guest":
        # Whoever waits has something to come back for.
        book.note(caller.user)
    row = await session.app[LINE_DESK].row_of(frame.event)
    phase = session.app[LINE_CONTROL].phase(joined.line, row)
    rank = None if phase == "gathering" else joined.rank
    await _wait(session, caller, row, rank, joined.draw, asked.wish)
    return JoinOk(
        entry=joined.entry,
        place=joined.place,
        stub=joined.stub.hex(),
        phase=phase,
        rank=rank,
    )


async def _wait(
    session: Session,
    caller: Identity,
    row: LineRow | None,
    rank: int | None,
    draw: int,
    wish: Wish | None,
) -> None:
    """Wait in a line that was read just now, and hear what its others heard before."""
    assert row is not None
    kept, event, writer = session.keep(Waiting), row.event_id, session.writer
    same = session.app[WAITERS].wait(event, writer, caller.user, rank, draw, wish)
    if event not in kept.events:
        kept.events = kept.events + same if kept.events else same
    for frame in await session.app[DRAW_TELLING].frames_of(row, rank):
        # Once the reply is sent.
        session.hub.loop.call_soon(writer.send, frame)
    if row.message is not None:
        said = message_of(event, row.message)
        session.hub.loop.call_soon(writer.send, said)


async def set_wish(session: Session, caller: Identity, frame: SetWishFrame) -> Reply:
    """Set the wish of one's place."""
    wish = None if frame.wish is None else frame.wish.wish()
    await session.app[LINE_DESK].set_wish(caller, frame.event, wish, frame.more_time)
    session.app[WAITERS].wished(frame.event, session.writer, wish)
    return Ok()


async def leave_line(session: Session, caller: Identity, frame: LineFrame) -> Reply:
    """Give up one's place."""
    entry = frame.entry if isinstance(frame, LeaveWaitlist) else None
    await session.app[LINE_DESK].leave(caller, frame.event, entry)
    unwait(session, caller, frame, answer=False)
    return Ok()


async def pause_place(session: Session, caller: Identity, frame: LineFrame) -> Reply:
    """Be passed over from now on."""
    await session.app[LINE_DESK].pause(caller, frame.event, "pause")
    return Ok()


async def resume_place(session: Session, caller: Identity, frame: LineFrame) -> Reply:
    """Wait again."""
    await session.app[LINE_DESK].pause(caller, frame.event, "resume")
    return Ok()


async def extend_turn(session: Session, caller: Identity, frame: LineFrame) -> Reply:
    """Have more time for one's turn."""
    return await session.app[LINE_DESK].extend_turn(caller, frame.event)


async def wait(session: Session, caller: Identity, frame: Wait) -> Reply:
    """Wait here, and tell of a turn that is open."""
    desk = session.app[LINE_DESK]
    found, entry = await desk.mine(caller, frame.event, frame.place)
    row = await desk.row_of(frame.event)
    phase = session.app[LINE_CONTROL].phase(found, row)
    if entry.over_at is None:
        rank = None if phase == "gathering" else entry.rank
        wish = wish_of(entry.wish)
        await _wait(session, caller, row, rank, entry.draw, wish)
    reply = WaitOk(
        state=state_of(entry.rank, entry.turn is not None, entry.paused, entry.ended),
        phase=phase,
        stub=entry.stub.hex(),
        rank=None if phase == "gathering" else entry.rank,
    )
    if reply.state == "turn":
        held = await desk.hold_of(caller, found, entry)
        told = session.app[LINE_NEWS].frame_of(entry, held)
        if told is not None:
            session.hub.loop.call_soon(session.writer.send, told)
    return reply


def unwait(
    session: Session, caller: Identity, frame: LineFrame, *, answer: bool = True
) -> None:
    """Wait here no longer."""
    kept = session.keep(Waiting)
    kept.events = tuple([one for one in kept.events if one != frame.event])
    session.app[WAITERS].unwait(frame.event, session.writer)
    if answer:
        session.answer(frame.id, Ok())


async def place(session: Session, caller: Identity, frame: PlaceFrame) -> Reply:
    """Tell one's rank."""
    kept, now = session.keep(Waiting), monotonic()
    if kept.asked is not None:
        event, asked_at, known = kept.asked
        if event == frame.event and now - asked_at < ASKED_S:
            return structs.replace(known, id=frame.id)
    reply = await _place(session, caller, frame.event)
    if kept.asked is not None and kept.asked[0] == frame.event:
        reply.why = why_fallen(kept.asked[2].outlook(), reply.outlook())
    kept.asked = frame.event, now, reply
    return reply


async def _place(session: Session, caller: Identity, event: str) -> PlaceOk:
    """Look at the event's memory where it is here: many come back at once."""
    waiters = session.app[WAITERS]
    now = waiters.place_of(event, session.writer)
    if now is not None:
        reply = PlaceOk(state=now.state, rank=now.rank, ahead=now.ahead)
        wish = now.wish
    else:
        found, entry = await session.app[LINE_DESK].mine(caller, event)
        state = state_of(entry.rank, entry.turn is not None, entry.paused, entry.ended)
        if await session.app[LINE_CONTROL].phase_of(found) == "gathering":
            return PlaceOk(state=state, rank=None, ahead=None)
        reply = PlaceOk(state=state, rank=entry.rank, ahead=entry.ahead)
        wish = wish_of(entry.wish)
    if reply.state in {"waiting", "paused"}:
        forecast = session.app[FORECASTS].of(event)
        line, rank, ahead = waiters.state_of(event), reply.rank, reply.ahead
        told = outlook_of(line, forecast, rank, ahead, wish)
        for field in told.__struct_fields__:
            setattr(reply, field, getattr(told, field))
    return reply


FRAMES: Final[tuple[FrameRow[Any], ...]] = (
    FrameRow(
        kind=JoinLine,
        handle=handler(join_line),
        reply=JoinOk,
        examples=example_of("join_line", 30, wish=OTHER_WISH),
    ),
    FrameRow(
        kind=SetWishFrame,
        handle=handler(set_wish),
        examples=example_of("set_wish", 31, wish=WISH),
    ),
    FrameRow(
        kind=Wait, handle=handler(wait), reply=WaitOk, examples=example_of("wait", 32)
    ),
    FrameRow(
        kind=PlaceFrame,
        handle=handler(place),
        reply=PlaceOk,
        examples=example_of("place", 33),
    ),
    FrameRow(
        kind=PausePlaceFrame,
        handle=handler(pause_place),
        examples=example_of("pause_place", 34),
    ),
    FrameRow(
        kind=ResumePlaceFrame,
        handle=handler(resume_place),
        examples=example_of("resume_place", 35),
    ),
    FrameRow(kind=Unwait, handle=unwait, examples=example_of("unwait", 36)),
    FrameRow(
        kind=LeaveWaitlist,
        handle=handler(leave_line),
        examples=example_of("leave_waitlist", 37, entry=ENTRY_ID),
    ),
    FrameRow(
        kind=JoinWaitlist,
        handle=handler(join_waitlist),
        reply=JoinOk,
        examples=example_of("join_waitlist", 38, quantity=2, category="stalls"),
    ),
    FrameRow(
        kind=LeaveLineFrame,
        handle=handler(leave_line),
        examples=example_of("leave_line", 39),
    ),
    FrameRow(
        kind=ExtendTurnFrame,
        handle=handler(extend_turn),
        reply=ExtendOk,
        examples=example_of("extend_turn", 40),
    ),
)
