"""Problem documents (RFC 9457): the kinds that all share, and their form.

A refusal of the inventory and an error of the HTTP layer look alike to a client: the
same document, told apart by `code`.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType, json

from inventory import rejections
from inventory.faults import Fault
from inventory.rejections import Code
from inventory.replies import Refused
from inventory.settings import Money
from server.base import limits
from server.base.refusals.refusals import CODE_INVALID as CODE_INVALID
from server.base.refusals.refusals import LIMIT_REACHED as LIMIT_REACHED
from server.base.refusals.refusals import RATE_LIMITED as RATE_LIMITED
from server.base.refusals.refusals import (
    CommandRefused,
    NamedEvent,
    ProblemType,
    Refusal,
    wrong_fields,
)
from server.transport.ratelimit.meter import RateLimited

CONTENT_TYPE: Final = "application/problem+json"
CODE: Final = web.ResponseKey("code", str)
"""Tells whoever handles a response the code that is in its body."""

TYPE_PREFIX: Final = "urn:onsale:problem:"


_STATUSES: Final[dict[str, int]] = {
    "unauthenticated": 401,
    "forbidden": 403,
    "key_reused": 422,
    "precondition_failed": 412,
    "sale_closed": 410,
    "hold_expired": 410,
    "payment_required": 402,
    "bad_field": 422,
    "overloaded": 429,
    "unavailable": 503,
    "outcome_unknown": 503,
}
"""Of refusals of the inventory that are neither 404 nor 409."""

_AT_ONCE: Final = frozenset({"overloaded", "unavailable", "outcome_unknown"})


def _refusal_type(code: Code) -> ProblemType:
    usual = 404 if code.endswith("_not_found") else 409
    return ProblemType(
        code,
        _STATUSES.get(code, usual),
        rejections.DETAILS[code],
        transient=code in rejections.TRANSIENT,
        retry_after_s=1 if code in _AT_ONCE else None,
    )


REFUSALS: Final = {code: _refusal_type(code) for code in rejections.CODES}
"""What the inventory refuses, as REST tells it."""

UNAUTHENTICATED: Final = REFUSALS["unauthenticated"]
FORBIDDEN: Final = REFUSALS["forbidden"]
EVENT_NOT_FOUND: Final = REFUSALS["event_not_found"]
KEY_REUSED: Final = REFUSALS["key_reused"]
PRECONDITION_FAILED: Final = REFUSALS["precondition_failed"]
SALE_NOT_OPEN: Final = REFUSALS["sale_not_open"]
SALE_PAUSED: Final = REFUSALS["sale_paused"]
SALE_CLOSED: Final = REFUSALS["sale_closed"]
NOT_ENOUGH_SEATS: Final = REFUSALS["not_enough_seats"]
HOLD_EXPIRED: Final = REFUSALS["hold_expired"]
HOLD_PLEDGED: Final = REFUSALS["hold_pledged"]
HELD_TOO_OFTEN: Final = REFUSALS["held_too_often"]
SEAT_NOT_FREE: Final = REFUSALS["seat_not_free"]
BOOKING_NOT_FOUND: Final = REFUSALS["booking_not_found"]
BELONGS_TO_ORDER: Final = REFUSALS["belongs_to_order"]
CANCEL_TOO_LATE: Final = REFUSALS["cancel_too_late"]
WRONG_STATE: Final = REFUSALS["wrong_state"]
TICKETS_SOLD: Final = REFUSALS["tickets_sold"]
PAYMENT_REQUIRED: Final = REFUSALS["payment_required"]
OVERLOADED: Final = REFUSALS["overloaded"]
UNAVAILABLE: Final = REFUSALS["unavailable"]
OUTCOME_UNKNOWN: Final = REFUSALS["outcome_unknown"]

BAD_FRAME: Final = ProblemType("bad_frame", 400, "The request cannot be read.")
UNKNOWN_OP: Final = ProblemType("unknown_op", 400, "There is no such operation.")
BAD_FIELD: Final = REFUSALS["bad_field"]
NOT_FOUND: Final = ProblemType("not_found", 404, "There is nothing at this address.")
METHOD_NOT_ALLOWED: Final = ProblemType(
    "method_not_allowed", 405, "This address does not take this method."
)
REQUEST_TIMEOUT: Final = ProblemType(
    "request_timeout", 408, "The request took too long to arrive.", transient=True
)
TOO_LARGE: Final = ProblemType("too_large", 413, "The request is too large.")
URI_TOO_LONG: Final = ProblemType(
    "uri_too_long", 414, f"An address has at most {limits.LINE_BYTES_MAX} bytes."
)
UNSUPPORTED_MEDIA_TYPE: Final = ProblemType(
    "unsupported_media_type", 415, "Send JSON, as application/json."
)
INTERNAL: Final = ProblemType(
    "internal", 500, "Something went wrong here; the request id finds it in the log."
)


class FieldError(Struct, frozen=True):
    """One wrong field, by its path in the request."""

    field: str
    detail: str


class Problem(Struct, omit_defaults=True, kw_only=True):
    """The document that a client gets instead of an answer."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    # Without a default, because a client reads it even where it is false.
    transient: bool
    request_id: str
    errors: list[FieldError] | UnsetType = UNSET
    version: int | UnsetType = UNSET
    seats: list[str] | UnsetType = UNSET
    alternatives: list[list[str]] | UnsetType = UNSET
    orphans: list[str] | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET
    total: Money | UnsetType | None = UNSET
    """What it costs, where that is not what was shown."""
    limit: int | UnsetType = UNSET
    """The most there may be."""
    has: int | UnsetType = UNSET
    """What the caller has of that, without what was asked for."""
    free: int | UnsetType = UNSET
    """How many there are of what was asked for."""
    deadline: str | UnsetType = UNSET
    """The last moment for it."""
    event: NamedEvent | UnsetType = UNSET
    """The other event that is in the way, where the caller may see it."""


class ProblemError(Exception):
    """Ends a handler with a problem document."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str | None = None,
        *,
        errors: list[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
        refused: Refused | None = None,
        limit: int | UnsetType = UNSET,
        has: int | UnsetType = UNSET,
        event: NamedEvent | UnsetType = UNSET,
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.detail = kind.detail if detail is None else detail
        self.errors = errors or []
        self.headers = dict(headers or {})
        self.refused = refused
        self.limit = limit
        self.has = has
        self.event = event

    @property
    def code(self) -> str:
        """The stable code."""
        return self.kind.code


def bad_field(field: str, detail: str) -> ProblemError:
    """Return the error for one wrong field."""
    return ProblemError(BAD_FIELD, detail, errors=[FieldError(field, detail)])


def bad_fields(found: Sequence[Fault]) -> ProblemError:
    """Return the error for all that is wrong with a body, of which there is one."""
    return problem_of(wrong_fields(found))


def problem_of(error: Refusal) -> ProblemError:
    """Return the error for what a service refused: the one place that translates it."""
    kind = error.kind
    return ProblemError(
        kind if isinstance(kind, ProblemType) else REFUSALS[kind],
        error.detail,
        errors=[FieldError(fault.field, fault.detail) for fault in error.faults],
        headers=error.verdict.headers() if isinstance(error, RateLimited) else None,
        refused=error.refused if isinstance(error, CommandRefused) else None,
        limit=error.limit,
        has=error.has,
        event=error.event,
    )


def document(error: ProblemError, request_id: str) -> Problem:
    """Return the problem document of an error."""
    kind = error.kind
    problem = Problem(
        type=TYPE_PREFIX + kind.code,
        title=HTTPStatus(kind.status).phrase,
        status=kind.status,
        detail=error.detail,
        code=kind.code,
        transient=kind.transient,
        request_id=request_id,
        errors=error.errors if error.errors else UNSET,
        limit=error.limit,
        has=error.has,
        event=error.event,
    )
    refused = error.refused
    if refused is not None:
        problem.transient = refused.transient
        problem.version = refused.version
        problem.seats = refused.seats
        problem.alternatives = refused.alternatives
        problem.orphans = refused.orphans
        problem.retry_after_ms = refused.retry_after_ms
        problem.total = refused.total
        problem.limit = refused.limit
        problem.has = refused.has
        problem.free = refused.free
        problem.deadline = refused.deadline
    return problem


def headers_of(error: ProblemError) -> dict[str, str]:
    """Return the headers that go with an error's document."""
    headers = {"Cache-Control": "no-store", **error.headers}
    if error.kind is UNAUTHENTICATED:
        headers.setdefault("WWW-Authenticate", 'Bearer realm="onsale"')
    wait_s = retry_after_s(error)
    if wait_s is not None:
        headers.setdefault("Retry-After", str(wait_s))
    return headers


def retry_after_s(error: ProblemError) -> int | None:
    """Return whole seconds to wait before the request is worth repeating."""
    refused = error.refused
    if refused is not None and isinstance(refused.retry_after_ms, int):
        return max(1, -(-refused.retry_after_ms // 1000))
    return error.kind.retry_after_s


def response(error: ProblemError, request_id: str) -> web.Response:
    """Return the response for an error."""
    answer = web.Response(
        body=json.encode(document(error, request_id)),
        status=error.kind.status,
        content_type=CONTENT_TYPE,
        headers=headers_of(error),
    )
    answer[CODE] = error.kind.code
    return answer
