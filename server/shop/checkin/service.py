"""Check-in for those who stand at a gate: scans, their undoing, uploads, the bundle.

They manage the event, or are a device: an API key of its organisation with the scope
`checkin`. The event is judged by its row, so that a gate loads nothing of its sale.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import structlog
from aiohttp import web
from msgspec import Struct

from persistence.events.rows import EventRow
from persistence.shop.checkin.counts import BundledTicket, Counts
from persistence.shop.checkin.facts import MAIN, Direction, Outcome, Result
from persistence.shop.checkin.lists import CheckinList, CheckinLists
from persistence.shop.checkin.merge import Merge, NothingToUndo, Told, Undone, Uploaded
from persistence.shop.checkin.scans import KeptScan, NewScan, NoList, Scans
from server.base.identity import Identity
from server.base.refusals.refusals import Refusal
from server.events.catalogue.service import EventService
from server.people.organisations.membership import Memberships
from server.shop.checkin.codes import KEPT_S, CodeReader, PublicKeys
from server.shop.checkin.problems import (
    LIST_NOT_FOUND,
    NONCE_REUSED,
    NOTHING_TO_UNDO,
    SCAN_NOT_FOUND,
)
from server.shop.tickets.token import Claims, event_mark
from server.transport.ratelimit.meter import Meter
from server.transport.rest.idempotency import hash_request

VERIFIED_AT_ONCE: Final = 20
"""Codes of an upload that are read before others have their turn: some 3 ms."""

NAMED_MAX: Final = 20
"""Tickets that a warning names."""

UploadOutcome = (
    Outcome
    | Literal[
        "kept",
        "undone",
        "unknown",
        "bad_signature",
        "wrong_event",
        "nonce_reused",
        "list_not_found",
        "event_not_found",
        "forbidden",
    ]
)
"""What an uploaded scan came to.

`kept` is one that let nobody through. What was let through without a ticket of ours is
kept, too, with the reason. The last four are not: the device has it still.
"""

log = structlog.get_logger()


class AskedScan(Struct, frozen=True, kw_only=True):
    """A scan, as a gate asks for it."""

    event: str
    code: str
    nonce: str
    list: str = MAIN
    gate: str = ""
    direction: Direction = "in"


class SeenScan(AskedScan, frozen=True, kw_only=True):
    """A scan that a gate decided by itself."""

    at: datetime
    """By the device's clock."""
    clock_offset_ms: int
    """What is to be added to it, as the device found out when it asked us last."""
    saw: Result


class ToldScan(Struct, frozen=True):
    """What became of an uploaded scan; with its `told` only where it was kept."""

    asked: SeenScan
    outcome: UploadOutcome
    told: Told | None = None


class Bundle(Struct, frozen=True):
    """What a gate takes along, so that it can go on without us."""

    event: EventRow
    list: CheckinList
    keys: PublicKeys
    tickets: Sequence[BundledTicket]
    is_last: bool
    """Whether no tickets come after these."""

    @property
    def mark(self) -> str:
        """What stands for the event in codes."""
        return event_mark(self.event.event)


class CheckinService:
    """Decides at gates. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self,
        scans: Scans,
        merge: Merge,
        lists: CheckinLists,
        counts: Counts,
        codes: CodeReader,
        events: EventService,
        memberships: Memberships,
    ) -> None:
        self.counts = counts
        self.lists = lists
        self._scans = scans
        self._merge = merge
        self._codes = codes
        self._events = events
        self._memberships = memberships

    async def find_event(self, who: Identity, event: str) -> EventRow:
        """Return an event's row to somebody who may stand at its gates."""
        row = await self._events.find_shown_row(who, event)
        await self._memberships.require_manager(who, row.organisation, row.created_by)
        return row

    async def find_list(self, event: str, name: str) -> CheckinList:
        """Return a list of an event that is there."""
        found = await self.lists.find(event, name)
        if found is None:
            raise Refusal(LIST_NOT_FOUND)
        return found

    async def scan(self, who: Identity, asked: AskedScan, meter: Meter) -> KeptScan:
        """Decide about a scan; the same again gets the same answer.

        Raises `RateLimited` for too many codes that are no tickets.
        """
        event = await self.find_event(who, asked.event)
        claims, known = await self._read(asked.code, event)
        if known == "bad_signature":
            meter.wrong_code()
        new = NewScan(
            event_id=asked.event,
            nonce=asked.nonce,
            list_id=asked.list,
            request_hash=_hash_of(asked),
            direction=asked.direction,
            gate=asked.gate,
            who=who.user,
        )
        code = None if claims is None else (claims.number, claims.generation)
        try:
            kept = await self._scans.scan(new, code, known)
        except NoList:
            # The main list is made when it is first asked for.
            await self.find_list(asked.event, asked.list)
            kept = await self._scans.scan(new, code, known)
        if kept.request_hash != new.request_hash or kept.who != who.user:
            # Another device's answer is for nobody else.
            raise Refusal(NONCE_REUSED)
        return kept

    async def undo(self, who: Identity, event: str, nonce: str, reason: str) -> Undone:
        """Undo a scan that let somebody through; one that is undone stays so."""
        await self.find_event(who, event)
        try:
            undone = await self._merge.undo(event, nonce, who.user, reason)
        except NothingToUndo as error:
            raise Refusal(NOTHING_TO_UNDO) from error
        if undone is None:
            raise Refusal(SCAN_NOT_FOUND)
        return undone

    async def upload(self, who: Identity, seen: Sequence[SeenScan]) -> list[ToldScan]:
        """Keep what gates decided by themselves, and say what each came to."""
        refused: dict[str, UploadOutcome] = {}
        events: dict[str, EventRow] = {}
        lists: set[tuple[str, str]] = set()
        for event in sorted({one.event for one in seen}):
            try:
                events[event] = await self.find_event(who, event)
            except Refusal as refusal:
                # Of others, and so of no concern to those that are the caller's.
                is_hidden = refusal.code == "event_not_found"
                refused[event] = "event_not_found" if is_hidden else "forbidden"
                continue
            found = await self.lists.of_event(event)
            lists |= {(event, one.list_id) for one in found}
        answers: list[ToldScan | None] = []
        facts: list[Uploaded] = []
        unread: list[Result | None] = []
        for place, one in enumerate(seen):
            outcome = refused.get(one.event)
            if outcome is None and (one.event, one.list) not in lists:
                outcome = "list_not_found"
            if outcome is not None:
                answers.append(ToldScan(one, outcome))
                continue
            if place % VERIFIED_AT_ONCE == 0:
                await asyncio.sleep(0)
            claims, known = await self._read(one.code, events[one.event])
            facts.append(_fact_of(one, who, claims))
            unread.append(known)
            answers.append(None)
        told = await self._merge.upload(facts) if facts else []
        kept = iter(zip(told, unread, strict=True))
        done = [
            _told(one, *next(kept)) if answer is None else answer
            for one, answer in zip(seen, answers, strict=True)
        ]
        _alarm(done)
        return done

    async def bundle(
        self, who: Identity, event: str, name: str, after: str, limit: int
    ) -> Bundle:
        """Return what a gate takes along, with the tickets after a number."""
        row = await self.find_event(who, event)
        found = await self.find_list(event, name)
        keys = await self._codes.keys(row.organisation, KEPT_S)
        some = await self.counts.tickets(event, name, after, limit + 1)
        return Bundle(row, found, keys, some[:limit], len(some) <= limit)

    async def _read(
        self, code: str, event: EventRow
    ) -> tuple[Claims | None, Result | None]:
        """Return what a code says, or what a scan of it is answered at once."""
        claims = await self._codes.read(code, event.organisation)
        if claims is None:
            return None, "bad_signature"
        if claims.event != event_mark(event.event):
            return None, "wrong_event"
        return claims, None


def _hash_of(asked: AskedScan) -> bytes:
    """Return what tells a scan from another with its nonce."""
    return hash_request([asked.code, asked.list, asked.gate, asked.direction])


def _fact_of(one: SeenScan, who: Identity, claims: Claims | None) -> Uploaded:
    return Uploaded(
        event_id=one.event,
        nonce=one.nonce,
        list_id=one.list,
        request_hash=_hash_of(one),
        direction=one.direction,
        gate=one.gate,
        who=who.user,
        at=one.at + timedelta(milliseconds=one.clock_offset_ms),
        device_at=one.at,
        clock_offset_ms=one.clock_offset_ms,
        saw=one.saw,
        number=None if claims is None else claims.number,
        generation=None if claims is None else claims.generation,
    )


def _told(one: SeenScan, told: Told | None, known: Result | None) -> ToldScan:
    """Return what became of a scan that the caller may upload."""
    if told is None:
        return ToldScan(one, "nonce_reused")
    if told.outcome is not None:
        return ToldScan(one, told.outcome, told)
    if told.undone:
        return ToldScan(one, "undone", told)
    if one.saw == "ok" and told.ticket_id is None:
        if known == "bad_signature" or known == "wrong_event":
            return ToldScan(one, known, told)
        return ToldScan(one, "unknown", told)
    return ToldScan(one, "kept", told)


def _beside(done: Sequence[ToldScan], known: Collection[str | None]) -> list[ToldScan]:
    """Return entries that double ones are beside which others scanned before."""
    return [
        one
        for one in done
        if one.outcome == "entry"
        and one.told is not None
        and one.told.other_at is not None
        and one.told.ticket_id not in known
    ]


def _ticket(one: ToldScan) -> str | None:
    return None if one.told is None else one.told.ticket_id


def _alarm(done: Sequence[ToldScan]) -> None:
    """Have people look into who is in and should not be."""
    for outcome in ("double_entry", "entered_revoked"):
        found = [one for one in done if one.outcome == outcome]
        if outcome == "double_entry":
            found += _beside(done, {_ticket(one) for one in found})
        if found:
            log.warning(
                "people are in who should not be",
                outcome=outcome,
                count=len(found),
                of=sorted({one.asked.event for one in found}),
                tickets=[_ticket(one) for one in found][:NAMED_MAX],
            )


CHECKIN_SERVICE: Final = web.AppKey("check-in service", CheckinService)
"""Who passes the gates of an event."""
