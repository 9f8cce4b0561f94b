"""Reads what is sent of a venue, its map above all: in a child where it is large."""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from inventory.faults import Fault, below
from inventory.venue.chart import read_chart
from inventory.venue.errors import ChartError
from inventory.venue.map import VenueMap
from inventory.venue.own import read_map
from persistence.events.drawn import DrawnMap, draw
from server.base.refusals.refusals import (
    Refusal,
    add_faults,
    refuse_faults,
    wrong_fields,
)
from server.events.venues.bodies import VenueCreate, VenuePatch, VenuePreview
from server.transport.children.child import run_job
from server.transport.http.problems import FieldError, ProblemError, problem_of
from server.transport.rest.bodies import decode, decode_faulty
from server.transport.rest.idempotency import hash_request

MODULE: Final = "server.events.venues.reading"
NEW: Final = b"n"
CHANGE: Final = b"c"
PREVIEW: Final = b"p"
"""What a job begins with; the rest of it is the body."""


class Refused(Struct, tag="refused"):
    """Why a body is not taken: a problem, by its code."""

    code: str
    detail: str
    errors: list[FieldError]


class ReadVenue(Struct, tag="new"):
    """A new venue, its map apart from the rest, and the hash of all of it.

    Where the map is wrong that is `refused` after it is clear who may make the venue.
    """

    wanted: VenueCreate
    request_hash: bytes
    drawn: DrawnMap | None = None
    refused: Refused | None = None


class ReadChange(Struct, tag="change"):
    """What to change of a venue, its map apart from the rest."""

    patch: VenuePatch
    drawn: DrawnMap | None


class ReadMap(Struct, tag="map"):
    """A map that is only to be looked at."""

    drawn: DrawnMap


Answer = ReadVenue | ReadChange | ReadMap | Refused
_decode = msgspec.msgpack.Decoder(Answer).decode


def read_answer(packed: bytes) -> Answer:
    """Return what a job came to."""
    answer: Answer = _decode(packed)
    return answer


def work(job: bytes) -> bytes:
    """Return the packed answer to a job."""
    kind, body = job[:1], job[1:]
    answer: Answer
    try:
        answer = _READS[kind](body)
    except (ProblemError, Refusal) as error:
        answer = _refused(error)
    return msgspec.msgpack.encode(answer)


def _read_new(body: bytes) -> ReadVenue:
    wanted, found = decode_faulty(body, VenueCreate)
    if found and not (found.is_faulty("map") or found.is_faulty("chart")):
        # It is refused anyway, so all that is wrong is told.
        try:
            _read_either(wanted.map, wanted.chart)
        except ChartError as error:
            add_faults(found, _faults_of(wanted.chart, error))
    refuse_faults(found)
    request_hash = hash_request(wanted)
    drawn, chart = wanted.map, wanted.chart
    wanted.map = wanted.chart = None
    try:
        return ReadVenue(wanted, request_hash, _draw(drawn, chart))
    except (ProblemError, Refusal) as error:
        return ReadVenue(wanted, request_hash, refused=_refused(error))


def _read_change(body: bytes) -> ReadChange:
    patch = decode(body, VenuePatch)
    drawn: DrawnMap | None = None
    if patch.map is not UNSET:
        drawn = _draw(patch.map, None)
    elif patch.chart is not UNSET:
        drawn = _draw(None, patch.chart)
    unset: UnsetType = UNSET
    patch.map = patch.chart = unset
    return ReadChange(patch, drawn)


def _read_preview(body: bytes) -> ReadMap:
    wanted = decode(body, VenuePreview)
    return ReadMap(_draw(wanted.map, wanted.chart))


_READS: Final[dict[bytes, Callable[[bytes], Answer]]] = {
    NEW: _read_new,
    CHANGE: _read_change,
    PREVIEW: _read_preview,
}


def _draw(drawn: object, chart: object) -> DrawnMap:
    """Return the map that was given, in one format or the other."""
    try:
        return draw(_read_either(drawn, chart))
    except ChartError as error:
        raise wrong_fields(_faults_of(chart, error)) from error


def _read_either(drawn: object, chart: object) -> VenueMap:
    """Return the map that a body holds; raises `ChartError`."""
    return read_map(drawn) if chart is None else read_chart(chart)


def _faults_of(chart: object, error: ChartError) -> list[Fault]:
    """Return what is wrong with a map or a chart, by its path in the body."""
    top = "map" if chart is None else "chart"
    return [
        Fault(below(top, fault.field) if fault.field else top, fault.detail)
        for fault in error.faults
    ]


def _refused(error: ProblemError | Refusal) -> Refused:
    if isinstance(error, Refusal):
        error = problem_of(error)
    return Refused(error.code, error.detail, error.errors)


if __name__ == "__main__":
    run_job(work)
