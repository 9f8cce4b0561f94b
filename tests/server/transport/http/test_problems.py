import msgspec
import pytest

from inventory import rejections
from inventory.faults import Fault
from inventory.replies import Refused, refuse
from server.app import ROUTES
from server.base.refusals.refusals import CommandRefused, NamedEvent, ProblemType
from server.transport.http import problems
from server.transport.http.problems import (
    ProblemError,
    bad_field,
    bad_fields,
    document,
    problem_of,
)


def problem_of_reply(refused: Refused) -> ProblemError:
    return problem_of(CommandRefused(refused))


SHARED = [one for one in vars(problems).values() if isinstance(one, ProblemType)]
NAMED = [kind for route in ROUTES for kind in route.problems]
TYPES = {kind.code: kind for kind in (*problems.REFUSALS.values(), *SHARED, *NAMED)}


def test_a_code_stands_for_one_thing():
    for kind in (*problems.REFUSALS.values(), *SHARED, *NAMED):
        assert TYPES[kind.code] == kind


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("unauthenticated", 401),
        ("payment_required", 402),
        ("forbidden", 403),
        ("event_not_found", 404),
        ("hold_not_found", 404),
        ("seat_not_found", 404),
        ("area_not_found", 404),
        ("booking_not_found", 404),
        ("venue_not_found", 404),
        ("hold_expired", 410),
        ("sale_closed", 410),
        ("key_reused", 422),
        ("bad_field", 422),
        ("bad_frame", 400),
        ("unknown_op", 400),
        ("overloaded", 429),
        ("unavailable", 503),
        ("outcome_unknown", 503),
        ("sale_not_open", 409),
        ("sale_paused", 409),
        ("seat_not_free", 409),
        ("orphan_seat", 409),
        ("user_limit", 409),
    ],
)
def test_a_code_has_the_status_of_the_contract(code, status):
    assert TYPES[code].status == status


def test_every_refusal_of_the_inventory_becomes_a_document():
    for code in rejections.CODES:
        found = document(problem_of_reply(refuse(code)), "r-1")
        assert found.code == code
        assert found.status == TYPES[code].status
        assert found.transient == (code in rejections.TRANSIENT)
        assert found.detail == rejections.DETAILS[code]


def test_a_refusal_keeps_what_it_tells_beside_its_code():
    refused = refuse("seat_not_free")
    refused.seats = ["A-1"]
    refused.alternatives = [["B-1"], ["B-2"]]
    told = msgspec.to_builtins(document(problem_of_reply(refused), "r-1"))
    assert told == {
        "type": "urn:onsale:problem:seat_not_free",
        "title": "Conflict",
        "status": 409,
        "detail": "Somebody else was faster.",
        "code": "seat_not_free",
        "transient": False,
        "request_id": "r-1",
        "seats": ["A-1"],
        "alternatives": [["B-1"], ["B-2"]],
    }


def test_a_refusal_keeps_its_numbers():
    refused = refuse("user_limit")
    refused.limit, refused.has = 10, 7
    refused.free, refused.deadline = 0, "2026-12-31T19:00:00.000Z"
    told = msgspec.to_builtins(document(problem_of_reply(refused), "r-1"))
    assert (told["limit"], told["has"], told["free"]) == (10, 7, 0)
    assert told["deadline"] == "2026-12-31T19:00:00.000Z"


def test_a_problem_of_rest_has_its_limit_and_the_event_in_the_way():
    full = ProblemError(problems.LIMIT_REACHED, limit=20)
    assert msgspec.to_builtins(document(full, "r-1"))["limit"] == 20
    taken = ProblemError(problems.WRONG_STATE, event=NamedEvent("evt", "Evening"))
    told = msgspec.to_builtins(document(taken, "r-1"))
    assert told["event"] == {"id": "evt", "name": "Evening"}
    assert "limit" not in told


def test_several_wrong_fields_are_one_problem():
    error = bad_fields([Fault("a.0", "Wrong."), Fault("", "Bad.")])
    told = msgspec.to_builtins(document(error, "r-1"))
    assert told["detail"] == "a.0: Wrong. Bad."
    assert [one["field"] for one in told["errors"]] == ["a.0", ""]


def test_a_wrong_field_is_named():
    told = msgspec.to_builtins(document(bad_field("prices.1", "Too dear."), "r-1"))
    assert told["status"] == 422
    assert told["errors"] == [{"field": "prices.1", "detail": "Too dear."}]


def test_a_refusal_that_says_when_to_come_again_is_rounded_up_to_seconds():
    refused = refuse("unavailable")
    refused.retry_after_ms = 1_001
    assert problems.headers_of(problem_of_reply(refused))["Retry-After"] == "2"


def test_overload_says_when_to_come_again():
    assert problems.headers_of(ProblemError(problems.OVERLOADED))["Retry-After"] == "1"


def test_who_is_unknown_is_told_how_to_say_who_it_is():
    headers = problems.headers_of(ProblemError(problems.UNAUTHENTICATED))
    assert headers["WWW-Authenticate"].startswith("Bearer")


def test_a_problem_is_never_kept_by_caches():
    headers = problems.headers_of(ProblemError(problems.NOT_FOUND))
    assert headers["Cache-Control"] == "no-store"
