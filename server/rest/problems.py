"""Problem documents (RFC 9457): every code with its HTTP status, in one table.

A refusal of the inventory and an error of the HTTP layer look alike to a client: the
same document, told apart by `code`.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType, json

from inventory import rejections
from inventory.replies import Refused
from server import limits

CONTENT_TYPE: Final = "application/problem+json"
CODE: Final = web.ResponseKey("code", str)
"""Tells whoever handles a response the code that is in its body."""

TYPE_PREFIX: Final = "urn:onsale:problem:"

STATUSES: Final[dict[str, int]] = {
    "unauthenticated": 401,
    "payment_required": 402,
    "forbidden": 403,
    "wrong_password": 403,
    "account_suspended": 403,
    "hold_expired": 410,
    "sale_closed": 410,
    "key_reused": 422,
    "overloaded": 429,
    "unavailable": 503,
    "outcome_unknown": 503,
    # These are no refusals of the inventory; the HTTP layer answers with them.
    "bad_frame": 400,
    "unknown_op": 400,
    "bad_field": 422,
    "bad_image": 422,
    "code_invalid": 422,
    "email_taken": 409,
    "last_admin": 409,
    "not_found": 404,
    "venue_not_found": 404,
    "image_not_found": 404,
    "process_not_found": 404,
    "session_not_found": 404,
    "organisation_not_found": 404,
    "member_not_found": 404,
    "invitation_not_found": 404,
    "request_not_found": 404,
    "key_not_found": 404,
    "announcement_not_found": 404,
    "already_cancelled": 409,
    "already_registered": 409,
    "registration_closed": 409,
    "registration_pending": 409,
    "already_member": 409,
    "last_owner": 409,
    "venue_taken": 409,
    "organisation_in_use": 409,
    "key_revoked": 409,
    "limit_reached": 409,
    "user_not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "too_large": 413,
    "uri_too_long": 414,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "internal": 500,
}

DETAILS: Final[dict[str, str]] = {
    **rejections.DETAILS,
    "bad_frame": "The request cannot be read.",
    "unknown_op": "There is no such operation.",
    "bad_field": "A field is wrong.",
    "bad_image": "This is no image that is taken.",
    "code_invalid": "This code was used, has expired, or never was one.",
    "account_suspended": "This account is suspended; nobody signs in with it.",
    "last_admin": "Nobody else would be left to administer.",
    "email_taken": "There is an account with this email address.",
    "wrong_password": "The password is wrong.",
    "not_found": "There is nothing at this address.",
    "image_not_found": "There is no such image.",
    "venue_not_found": "There is no such venue.",
    "process_not_found": "There is no such process in the cluster.",
    "session_not_found": "There is no such session.",
    "organisation_not_found": "There is no such organisation.",
    "member_not_found": "The organisation has no such member.",
    "invitation_not_found": "There is no such invitation, or not any more.",
    "request_not_found": "There is no such request, or it was answered.",
    "key_not_found": "There is no such API key.",
    "announcement_not_found": "There is no such announcement.",
    "already_cancelled": "This is cancelled already.",
    "already_registered": "Somebody registered with this email address.",
    "registration_closed": "This event takes no registrations.",
    "registration_pending": "It is not certain yet; try again in a moment.",
    "attendee_not_found": "There is no such registration.",
    "already_member": "Whoever this is belongs to the organisation already.",
    "last_owner": "An organisation needs an owner.",
    "venue_taken": "Another event has the venue at that time.",
    "organisation_in_use": "The organisation has events that are not over, or tickets.",
    "key_revoked": "This API key was revoked.",
    "limit_reached": "There are as many as may be.",
    "user_not_found": "There is no such user.",
    "method_not_allowed": "This address does not take this method.",
    "request_timeout": "The request took too long to arrive.",
    "too_large": "The request is too large.",
    "uri_too_long": f"An address has at most {limits.LINE_BYTES_MAX} bytes.",
    "unsupported_media_type": "Send JSON, as application/json.",
    "rate_limited": "Too many requests; try again later.",
    "internal": "Something went wrong here; the request id finds it in the log.",
}

TRANSIENT: Final = rejections.TRANSIENT | {
    "rate_limited",
    "request_timeout",
    "registration_pending",
}

RETRY_AFTER_S: Final = {
    "overloaded": 1,
    "unavailable": 1,
    "outcome_unknown": 1,
    "registration_pending": 1,
}
"""What `Retry-After` says where the refusal itself does not."""


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


class ProblemError(Exception):
    """Ends a handler with a problem document."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: list[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
        refused: Refused | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = DETAILS[code] if detail is None else detail
        self.errors = errors or []
        self.headers = dict(headers or {})
        self.refused = refused


def bad_field(field: str, detail: str) -> ProblemError:
    """Return the error for one wrong field."""
    return ProblemError("bad_field", detail, errors=[FieldError(field, detail)])


def refusal(refused: Refused) -> ProblemError:
    """Return the error for a refusal of the inventory, with all it tells."""
    return ProblemError(refused.code, refused.detail, refused=refused)


def status_of(code: str) -> int:
    """Return the contract's HTTP status for a code."""
    if code in STATUSES:
        return STATUSES[code]
    return 404 if code.endswith("_not_found") else 409


def document(error: ProblemError, request_id: str) -> Problem:
    """Return the problem document of an error."""
    status = status_of(error.code)
    problem = Problem(
        type=TYPE_PREFIX + error.code,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.detail,
        code=error.code,
        transient=error.code in TRANSIENT,
        request_id=request_id,
        errors=error.errors if error.errors else UNSET,
    )
    refused = error.refused
    if refused is not None:
        problem.transient = refused.transient
        problem.version = refused.version
        problem.seats = refused.seats
        problem.alternatives = refused.alternatives
        problem.orphans = refused.orphans
        problem.retry_after_ms = refused.retry_after_ms
    return problem


def headers_of(error: ProblemError) -> dict[str, str]:
    """Return the headers that go with an error's document."""
    headers = {"Cache-Control": "no-store", **error.headers}
    if error.code == "unauthenticated":
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
    return RETRY_AFTER_S.get(error.code)


def response(error: ProblemError, request_id: str) -> web.Response:
    """Return the response for an error."""
    answer = web.Response(
        body=json.encode(document(error, request_id)),
        status=status_of(error.code),
        content_type=CONTENT_TYPE,
        headers=headers_of(error),
    )
    answer[CODE] = error.code
    return answer


assert set(DETAILS) >= set(STATUSES)
assert set(DETAILS) >= TRANSIENT
