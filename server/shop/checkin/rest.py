"""Scans over REST: one at a time while a gate is connected, many when it was not."""

from datetime import datetime
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from inventory.faults import Faults, below
from inventory.names import NOTE_PATTERN
from inventory.zones import YEARS, is_kept
from persistence.shop.checkin.facts import MAIN, Direction, Result, Standing
from persistence.shop.checkin.scans import KeptScan
from server.shop.checkin.problems import (
    LIST_NOT_FOUND,
    NONCE_REUSED,
    NOTHING_TO_UNDO,
    SCAN_NOT_FOUND,
)
from server.shop.checkin.service import (
    CHECKIN_SERVICE,
    AskedScan,
    SeenScan,
    ToldScan,
    UploadOutcome,
)
from server.transport.http.problems import FORBIDDEN, RATE_LIMITED
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.fields import Id
from server.transport.rest.guard import meter_of
from server.transport.rest.notes import note_objects
from server.transport.rest.route import EVENT, WRITES, Route
from server.transport.rest.times import Time, to_ms

SCANS_MAX: Final = 500
"""Of one upload."""

UPLOAD_BYTES_MAX: Final = 1 << 20
CODE_LENGTH_MAX: Final = 1_000
OFFSET_MS_MAX: Final = 100 * 366 * 86_400_000
"""A device whose battery was out begins in 1970."""

Code = Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH_MAX)]
Nonce = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern="^[A-Za-z0-9._:~-]+$",
        description="What the device calls the scan: unique in the event, as a UUID.",
    ),
]
Gate = Annotated[str, Meta(max_length=100, pattern=NOTE_PATTERN)]
Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern=NOTE_PATTERN)]


class ScanCreate(Struct, forbid_unknown_fields=True):
    """A code that was scanned: at which gate of the event, for which list, which way.

    With the same `nonce` it is the same scan and gets the same answer.
    """

    event: Id
    code: Code
    nonce: Nonce
    list: Id = MAIN
    gate: Gate = ""
    direction: Direction = "in"


class UploadedScan(ScanCreate, forbid_unknown_fields=True, kw_only=True):
    """A scan that a device decided by itself.

    `at` is by the clock of the device, and `clock_offset_ms` what is to be added to it:
    the device finds out whenever it is connected. `saw` is what the staff saw.
    """

    at: Time
    saw: Result
    clock_offset_ms: Annotated[int, Meta(ge=-OFFSET_MS_MAX, le=OFFSET_MS_MAX)] = 0


class UploadCreate(Body):
    """What gates decided by themselves; the same scans again do nothing more."""

    scans: Annotated[list[UploadedScan], Meta(min_length=1, max_length=SCANS_MAX)]

    def check(self, faults: Faults) -> None:
        """Add the scans whose time has no date everywhere."""
        for place, one in enumerate(self.scans):
            if not is_kept(to_ms(one.at)) or not is_kept(
                to_ms(one.at) + one.clock_offset_ms
            ):
                faults.add(below(below("scans", place), "at"), YEARS)


class ScanUndo(Struct, forbid_unknown_fields=True):
    """Which event's scan is undone, and why."""

    event: Id
    reason: Reason


class BeforeDocument(Struct):
    """Since when somebody is in already, by which gate, and who let them in."""

    at: datetime
    gate: str
    by: str


class ScanDocument(Struct):
    """What a scan was answered; only `ok` lets somebody through."""

    nonce: str
    event: str
    list: str
    gate: str
    direction: Direction
    result: Result
    ticket: str | None
    """None where there is no such ticket in this event."""
    label: str | None
    category: str | None
    at: datetime
    before: BeforeDocument | None
    """Only of `already_in`."""


class UndoDocument(Struct):
    """A scan that was undone, and where its holder is without it."""

    nonce: str
    event: str
    list: str
    ticket: str
    standing: Standing
    undone_at: datetime
    undone_by: str
    reason: str


class EntryDocument(Struct):
    """The entry beside this one, with the same ticket: by which gate, and when."""

    gate: str
    at: datetime


class UploadedDocument(Struct):
    """What became of one scan.

    `entry` and `exit` are as they should be, but for an entry with `other`: there
    somebody else came in with the ticket later. With `double_entry` somebody else came
    in with the ticket before, whom `other` tells of; with `entered_revoked` the ticket
    was good no longer: people look into both. `nothing` is an exit of somebody who was
    not in, `kept` a scan that let nobody through, `undone` one that was undone here.
    Of `unknown`, `bad_signature` and `wrong_event` somebody was let in without a ticket
    of the event. All these are kept. `nonce_reused`, `list_not_found`,
    `event_not_found` and `forbidden` are not.
    """

    nonce: str
    event: str
    outcome: UploadOutcome
    ticket: str | None
    label: str | None
    gate: str
    other: EntryDocument | None


class UploadDocument(Struct):
    """What became of an upload, in its order."""

    scans: list[UploadedDocument]


async def scan_ticket(call: Call) -> web.Response:
    """Decide about a code that was scanned."""
    body = await call.body(ScanCreate)
    note_objects(call.request, event=body.event)
    asked = AskedScan(
        event=body.event,
        code=body.code,
        nonce=body.nonce,
        list=body.list,
        gate=body.gate,
        direction=body.direction,
    )
    kept = await call[CHECKIN_SERVICE].scan(call.who, asked, meter_of(call))
    return call.answer(document_of(body.event, body.nonce, kept))


async def undo_scan(call: Call) -> web.Response:
    """Undo a scan that let somebody through."""
    nonce = call.path("nonce", SCAN_NOT_FOUND)
    body = await call.body(ScanUndo)
    note_objects(call.request, event=body.event)
    undone = await call[CHECKIN_SERVICE].undo(call.who, body.event, nonce, body.reason)
    return call.answer(
        UndoDocument(
            nonce=nonce,
            event=body.event,
            list=undone.list_id,
            ticket=undone.ticket_id,
            standing=undone.standing,
            undone_at=undone.undone_at,
            undone_by=undone.undone_by,
            reason=undone.undo_reason,
        )
    )


async def upload_scans(call: Call) -> web.Response:
    """Keep what gates decided by themselves."""
    body = await call.body(UploadCreate, UPLOAD_BYTES_MAX)
    seen = [
        SeenScan(
            event=one.event,
            code=one.code,
            nonce=one.nonce,
            list=one.list,
            gate=one.gate,
            direction=one.direction,
            at=one.at,
            clock_offset_ms=one.clock_offset_ms,
            saw=one.saw,
        )
        for one in body.scans
    ]
    told = await call[CHECKIN_SERVICE].upload(call.who, seen)
    return call.answer(UploadDocument([_uploaded(one) for one in told]))


def document_of(event: str, nonce: str, kept: KeptScan) -> ScanDocument:
    """Return a scan as clients see it."""
    before = None
    if kept.before_at is not None:
        before = BeforeDocument(
            kept.before_at, kept.before_gate or "", kept.before_who or ""
        )
    return ScanDocument(
        nonce=nonce,
        event=event,
        list=kept.list_id,
        gate=kept.gate,
        direction=kept.direction,
        result=kept.result,
        ticket=kept.ticket_id,
        label=kept.label,
        category=kept.category,
        at=kept.at,
        before=before,
    )


def _uploaded(one: ToldScan) -> UploadedDocument:
    told, other = one.told, None
    if told is not None and told.other_at is not None:
        other = EntryDocument(told.other_gate or "", told.other_at)
    return UploadedDocument(
        nonce=one.asked.nonce,
        event=one.asked.event,
        outcome=one.outcome,
        ticket=None if told is None else told.ticket_id,
        label=None if told is None else told.label,
        gate=one.asked.gate,
        other=other,
    )


WHO: Final = (
    "Needs the token of who manages the event, or an API key of its organisation with "
    "the scope `checkin`."
)

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/checkin/scans",
        handler=scan_ticket,
        name="scan_ticket",
        summary="Scan a ticket at a gate",
        tag="Check-in",
        access="manager",
        who=WHO,
        scope="checkin",
        # A gate scans more in a minute than others ask; wrong codes have a limit.
        budget="own",
        body=ScanCreate,
        answers=ScanDocument,
        keyed=True,
        problems=(
            *WRITES,
            *EVENT,
            FORBIDDEN,
            LIST_NOT_FOUND,
            NONCE_REUSED,
            RATE_LIMITED,
        ),
    ),
    Route(
        method="POST",
        path="/v1/checkin/scans/{nonce}/undo",
        handler=undo_scan,
        name="undo_scan",
        summary="Undo a scan that let somebody through; it is kept who did, and why",
        tag="Check-in",
        access="manager",
        who=WHO,
        scope="checkin",
        # A gate scans more in a minute than others ask; wrong codes have a limit.
        budget="own",
        body=ScanUndo,
        answers=UndoDocument,
        keyed=True,
        problems=(*WRITES, *EVENT, FORBIDDEN, SCAN_NOT_FOUND, NOTHING_TO_UNDO),
    ),
    Route(
        method="POST",
        path="/v1/checkin/uploads",
        handler=upload_scans,
        name="upload_scans",
        summary="Upload what gates decided while they were not connected",
        tag="Check-in",
        access="manager",
        who=WHO,
        scope="checkin",
        # A gate scans more in a minute than others ask; wrong codes have a limit.
        budget="own",
        body=UploadCreate,
        answers=UploadDocument,
        keyed=True,
        problems=WRITES,
    ),
)
