"""The desk: where one joins a line, asks how it stands, sets a wish, and leaves.

A place is a row until the feeder takes it, and the event's from then on: the desk asks
whichever has it. It runs in every process and needs no owner to take somebody in.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

import msgspec
from aiohttp import web
from msgspec import Struct

from inventory.commands import (
    AnyCommand,
    ExtendTurn,
    Holding,
    LeaveLine,
    PausePlace,
    PlaceCommand,
    ResumePlace,
    SetWish,
)
from inventory.line import draw
from inventory.line.wishes import Wish
from inventory.ports import Clock, Ids
from inventory.replies import AnyOk, ExtendOk, HeldHold, HoldingOk, Refused, refuse
from persistence.errors import Unavailable
from persistence.events.line.entries import Entries, Entry
from persistence.events.line.joining import (
    Joined,
    JoinLane,
    NewEntry,
    NotOpen,
    Overloaded,
    TakenPlace,
)
from persistence.events.line.lines import LineRow, Lines
from persistence.events.line.looks import Looks
from server.base.access import Denial
from server.base.identity import Identity
from server.base.refusals.refusals import CommandRefused, Denied, Refusal
from server.events.audit.receipts import ReceiptKey
from server.events.catalogue.service import EventService, FoundEvent
from server.events.line import place_token
from server.events.line.gates.gatekeeper import Answers, Gatekeeper, Passed
from server.events.line.gates.rules import Needs
from server.events.line.gates.work import Challenge
from server.events.line.opening import LineOpening
from server.events.line.place_token import NotAPlace
from server.events.line.rules import (
    mode_of,
    opens_by_joining,
    refusal_of_join,
    terms_of,
    wish_fault,
)
from server.live.actors.registry import ask

ACCOUNT_NEEDED: Final = "This line is for those with an account; a guest has none."
ACCOUNTS_OWN: Final = "This is a place of somebody with an account: sign in."
ADDRESS_NEEDED: Final = "This line is for those whose address is confirmed."
TRIES_MAX: Final = 3
RANK_LOOKS: Final = 20
RANK_LOOK_S: Final = 0.1
"""So often it is looked whether a place has its rank by now, before one gives up."""

RETRY_MS: Final = 2_000
"""When to come again, where too many join at once."""

SIGNED_MAX: Final = 1_024
"""So many signed places are kept; each is less than a KiB."""

KNOWN_BY: Final = "onsale line %s 1\n%s\n%s"

Pause = Literal["pause", "resume"]


_decode: Final = msgspec.json.Decoder(Wish).decode


class Asked(Struct, frozen=True):
    """What somebody joins with. `net` stands for the network that they come from.

    `proof` and `captcha` are for the gates, where the line has some.
    """

    wish: Wish | None = None
    locale: str = ""
    device: str | None = None
    net: str | None = None
    proof: str | None = None
    captcha: str | None = None


class OwnPlace(Struct, frozen=True):
    """Somebody's place, the signed proof of it, and whether it was made just now."""

    entry: str
    place: str
    stub: bytes
    line: FoundEvent
    draw: int
    rank: int | None
    new: bool

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return f"OwnPlace({self.stub.hex()}, rank={self.rank})"


class RankedPlace(Struct, frozen=True):
    """A place that the event has, and the rank by which it knows it."""

    entry: Entry
    rank: int


class LineDesk:
    """Takes people in. Raises `Unavailable`, and `Refusal`.

    `key` signs places; `joined` is told of events that somebody joined, for the feeder
    to know.
    """

    def __init__(
        self,
        events: EventService,
        opening: LineOpening,
        lines: Lines,
        entries: Entries,
        joins: JoinLane,
        clock: Clock,
        ids: Ids,
        key: ReceiptKey,
        joined: Callable[[str], None],
        gates: Gatekeeper,
    ) -> None:
        self.entries = entries
        self.lines = lines
        self.joins: Counter[str] = Counter()
        """How those who would join came out: `new`, `again`, or the code."""
        self._places = Looks(entries.several)
        self._signed: dict[tuple[str, int | None], str] = {}
        """Places that were signed lately: who joins over REST reads them at once."""
        self._rows = Looks(lines.several)
        self._events = events
        self._opening = opening
        self._joins = joins
        self._clock = clock
        self._ids = ids
        self._key = key
        self._joined = joined
        self.gates = gates

    async def join(self, who: Identity, event: str, asked: Asked) -> OwnPlace:
        """Give somebody a place in an event's line, or tell the one that they have.

        Whoever has one with another wish is `already_waiting`: that is for `set_wish`.
        """
        try:
            place = await self._take_in(who, event, asked)
        except Refusal as refusal:
            self.joins[refusal.code] += 1
            raise
        except Unavailable:
            self.joins["unavailable"] += 1
            raise
        self.joins["new" if place.new else "again"] += 1
        return place

    async def _take_in(self, who: Identity, event: str, asked: Asked) -> OwnPlace:
        found = await self._events.find(who, event)
        settings = found.board.settings
        code = refusal_of_join(settings, self._clock.now_ms())
        if code is not None:
            raise Refusal(code)
        mode = mode_of(settings)
        assert mode is not None
        fault = wish_fault(asked.wish, mode, settings, found.board.venue)
        if fault is not None:
            raise Refusal("bad_wish", fault)
        answers = Answers(asked.proof, asked.captcha, asked.net)
        passed = await self.gates.check(found, who.user, answers)
        new = await self._entry_of(who, found, asked, passed)
        joined = await self._join(found, new, passed)
        if joined.new:
            self._joined(event)
            self.gates.came(event, asked.net)
        elif asked.wish is not None and wish_of(joined.wish) != asked.wish:
            raise Refusal("already_waiting")
        return OwnPlace(
            joined.entry_id,
            self._sign(event, who.user, joined),
            joined.stub,
            found,
            joined.draw,
            joined.rank,
            joined.new,
        )

    async def challenge(
        self, who: Identity, event: str, net: str | None
    ) -> tuple[Challenge, Needs]:
        """Return what somebody has to solve first, and whether anything is asked."""
        found = await self._events.find(who, event)
        return await self.gates.challenge(found, who.user, net)

    async def mine(
        self, who: Identity, event: str, place: str | None = None
    ) -> tuple[FoundEvent, Entry]:
        """Return somebody's place, or the last that is over.

        A signed `place` that is given has to be that one.
        """
        found = await self._events.find(who, event)
        entry = await self._places.find((event, who.user))
        if entry is None:
            raise Refusal("place_not_found")
        if place is not None and self._read(place).entry != entry.entry_id:
            raise Refusal("place_not_found")
        return found, entry

    async def row_of(self, event: str) -> LineRow | None:
        """Return the row of an event's line; None where it never had one."""
        return await self._rows.find(event)

    async def set_wish(
        self, who: Identity, event: str, wish: Wish | None, more_time: bool = False
    ) -> Entry:
        """Wish for something else at one's place; return it as it is then."""
        found = await self._events.find(who, event)
        settings = found.board.settings
        mode = mode_of(settings)
        if mode is None:
            raise Refusal("place_not_found")
        fault = wish_fault(wish, mode, settings, found.board.venue)
        if fault is not None:
            raise Refusal("bad_wish", fault)
        text = _text_of(wish)
        held = await self.entries.set_wish(event, who.user, text)
        if held == "event":

            def command(rank: int) -> SetWish:
                return SetWish(
                    id=0, event=event, rank=rank, wish=wish, more_time=more_time
                )

            entry = await self._order(found, who, command)
            await self.entries.note_wish(event, entry.entry_id, text)
        elif held == "nowhere":
            raise Refusal("place_not_found")
        return (await self.mine(who, event))[1]

    async def leave(
        self, who: Identity, event: str, entry_id: str | None = None
    ) -> tuple[FoundEvent, Entry]:
        """Give up one's place, or a turn with what it holds; return it as it is then.

        Who left before and has no other place is told of that one. A place that is
        named has to be the one.
        """
        found = await self._events.find(who, event)
        if entry_id is not None:
            named = await self.entries.mine(event, who.user)
            if named is None or named.entry_id != entry_id:
                raise Refusal("place_not_found")
        held = await self.entries.leave(event, who.user)
        if held == "event":
            entry = await self._leave(found, who)
            await self.entries.note_left(event, entry.entry_id)
        left = await self.entries.mine(event, who.user)
        if left is None or left.ended != "left":
            raise Refusal("place_not_found")
        return found, left

    async def _leave(self, found: FoundEvent, who: Identity) -> Entry:
        place = await self._ranked(found, who)
        command = LeaveLine(id=0, event=found.id, rank=place.rank)
        try:
            await order(found, who.user, command)
        except CommandRefused as refused:
            # The event knew it, and whoever asked for it died before the row did.
            if refused.code != "place_not_found":
                raise
        return place.entry

    async def pause(self, who: Identity, event: str, to: Pause) -> Entry:
        """Be passed over from now on, or wait again; the place stays."""
        found = await self._events.find(who, event)
        kind = PausePlace if to == "pause" else ResumePlace
        entry = await self._order(
            found, who, lambda rank: kind(id=0, event=event, rank=rank)
        )
        await self.entries.note_paused(event, entry.entry_id, paused=to == "pause")
        return (await self.mine(who, event))[1]

    async def extend_turn(self, who: Identity, event: str) -> ExtendOk:
        """Give somebody a tenth more of the time for their turn, ten times at most."""
        found, entry = await self.mine(who, event)
        reply = await order(found, who.user, ExtendTurn(id=0, event=found.id))
        assert isinstance(reply, ExtendOk)
        until = datetime.fromisoformat(reply.expires_at)
        await self.entries.note_longer(event, entry.entry_id, until)
        return reply

    def place_of(self, entry: Entry) -> str:
        """Return a place as its holder keeps it, signed: the same each time."""
        return self._sign(entry.event_id, entry.user_id, entry)

    async def hold_of(
        self, who: Identity, event: FoundEvent, entry: Entry
    ) -> HeldHold | None:
        """Return what is held for somebody's turn; None where nothing is."""
        if entry.hold is None or entry.over_at is not None:
            return None
        reply = await order(event, who.user, Holding(id=0, event=event.id))
        assert isinstance(reply, HoldingOk)
        return next((one for one in reply.holds if one.hold == entry.hold), None)

    async def open_place(self, token: str) -> str:
        """Return the guest whose place this is. One of an account needs that account.

        It opens nothing of another event, draw or user.
        """
        place = self._read(token)
        entry = await self.entries.find(place.entry)
        if entry is None or (entry.event_id, entry.draw, entry.user_id) != (
            place.event,
            place.draw,
            place.sub,
        ):
            raise Refusal("place_not_found", "This place is not there any more.")
        if await self.entries.is_account(place.sub):
            raise Denied(Denial("forbidden", ACCOUNTS_OWN))
        return place.sub

    def _read(self, token: str) -> place_token.Place:
        try:
            return place_token.read(token, self._key.public)
        except NotAPlace as error:
            raise Refusal("place_not_found", str(error)) from error

    def _sign(self, event: str, user: str, entry: Entry | Joined) -> str:
        signed = self._signed.get((entry.entry_id, entry.rank))
        if signed is None:
            if len(self._signed) >= SIGNED_MAX:
                del self._signed[next(iter(self._signed))]
            signed = self._newly_signed(event, user, entry)
            self._signed[entry.entry_id, entry.rank] = signed
        return signed

    def _newly_signed(self, event: str, user: str, entry: Entry | Joined) -> str:
        # Its own time, so that the same place is the same text.
        at_ms = int(entry.joined_at.timestamp() * 1_000)
        return place_token.mint(
            self._key,
            place_token.Place(
                sub=user,
                event=event,
                draw=entry.draw,
                entry=entry.entry_id,
                stub=entry.stub.hex(),
                late=entry.late,
                joined_at_ms=at_ms,
                iat=at_ms // 1_000,
                rank=entry.rank,
            ),
        )

    async def _entry_of(
        self, who: Identity, event: FoundEvent, asked: Asked, passed: Passed
    ) -> NewEntry:
        """Return the entry that somebody would have, with what it is known by."""
        terms = terms_of(event.board.settings)
        email = None
        if terms.identity != "any":
            if who.role == "guest":
                raise Denied(Denial("forbidden", ACCOUNT_NEEDED))
            if terms.identity == "email":
                email = await self.entries.address_of(who.user)
                if email is None:
                    raise Denied(Denial("forbidden", ADDRESS_NEEDED))
        if not terms.again:
            last = await self._places.find((event.id, who.user))
            if last is not None and last.ended not in (None, "left"):
                raise Refusal("turn_over", "Who had a turn has no other one.")
        entry = self._ids.token()
        return NewEntry(
            event.id,
            entry,
            draw.stub_of(entry),
            who.user,
            _text_of(asked.wish),
            asked.locale,
            None if email is None else _known_by(event.id, "email", email),
            None
            if asked.device is None
            else _known_by(event.id, "device", asked.device),
            asked.net,
            passed.proof,
            passed.captcha,
            passed.gates,
        )

    async def _join(self, event: FoundEvent, new: NewEntry, passed: Passed) -> Joined:
        """Write an entry; who is the first opens the line, where that is for them."""
        for _ in range(TRIES_MAX):
            try:
                return await self._joins.join(new)
            except TakenPlace as error:
                await self.gates.refuse_used(passed)
                detail = "Somebody has a place with this address or device."
                raise Refusal("already_waiting", detail) from error
            except Overloaded as error:
                refused = refuse("overloaded")
                refused.retry_after_ms = RETRY_MS
                raise CommandRefused(refused) from error
            except NotOpen:
                row = await self.lines.find(event.id)
                if row is not None and row.phase == "over":
                    raise Refusal("line_over") from None
                if not opens_by_joining(event.board.settings) and row is None:
                    raise Refusal("line_not_open") from None
                await self._opening.open(event)
        raise Refusal("unavailable")

    async def _order(
        self,
        event: FoundEvent,
        who: Identity,
        command: Callable[[int], PlaceCommand],
    ) -> Entry:
        """Give the event a command about somebody's place; return that place."""
        place = await self._ranked(event, who)
        await order(event, who.user, command(place.rank))
        return place.entry

    async def _ranked(self, event: FoundEvent, who: Identity) -> RankedPlace:
        """Return somebody's place that the event has.

        A row that was made a moment ago is about to be fed: that is waited for.
        """
        for _ in range(RANK_LOOKS):
            entry = await self.entries.mine(event.id, who.user)
            if entry is None or entry.over_at is not None:
                raise Refusal("place_not_found")
            if entry.rank is not None:
                return RankedPlace(entry, entry.rank)
            await asyncio.sleep(RANK_LOOK_S)
        raise Refusal("unavailable", "The place has no rank yet.")


async def order(
    event: FoundEvent,
    user: str,
    command: AnyCommand,
    *,
    organizer: bool = False,
    key: str | None = None,
) -> AnyOk:
    """Give an event a command; raises `CommandRefused`."""
    reply = await ask(event.local, command, user, organizer, key)
    if isinstance(reply, Refused):
        raise CommandRefused(reply)
    return reply


def wish_of(text: str | None) -> Wish | None:
    """Return a wish as it was stored."""
    return None if text is None else _decode(text)


def _known_by(event: str, kind: str, value: str) -> bytes:
    """Return what an address or device is known by in one line, and in no other."""
    return sha256((KNOWN_BY % (kind, event, value)).encode()).digest()


def _text_of(wish: Wish | None) -> str | None:
    """Return a wish as it is stored: equal ones as equal text."""
    if wish is None:
        return None
    return msgspec.json.encode(wish, order="deterministic").decode()


LINE_DESK: Final = web.AppKey("line desk", LineDesk)
