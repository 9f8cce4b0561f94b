"""Ask the REST interface what its own description allows, and what it forbids.

Every request is made from `/openapi.json`, and every answer is held against it: a 5xx,
a status, a type or a field that is not described, and nonsense or a missing token that
is accepted, are failures. The same requests are sent each time.
"""

import asyncio
import copy
from collections import Counter
from typing import Any, NamedTuple

import pytest
import requests
import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, StopReason, events

from inventory.rejections import CODES
from server.rest.problems import status_of
from server.rest.routes import ROUTES
from tests.contract.client import Api
from tests.contract.process import Server
from tests.security.frame_fuzzer import errors_in

SEED = 20261121
FUZZED = 3
"""Requests of each operation and kind, beside those that cover its schema."""

SLOW = {"log_in", "register", "change_password", "edit_me", "forgot_password"}
"""Each may take the hash of a password, or as long; the few of others are enough."""

ENDING = {"log_out", "log_out_everywhere"}
"""Whoever does these is nobody for the rest of the run, or of the tests."""

Document = dict[str, Any]


class Place(NamedTuple):
    """Something to ask for, and the tokens of two who may."""

    event: str
    venue: str
    booking: str
    reference: str
    tokens: dict[str, str | None]

    def parameters(self) -> dict[str, str]:
        """What to put into paths, so that not every answer is 404."""
        return {
            "path.event": self.event,
            "path.venue": self.venue,
            "path.booking": self.booking,
            "path.reference": self.reference,
        }


class Found(NamedTuple):
    """What came of a run."""

    asked: Counter[str]
    statuses: Counter[tuple[str, int]]
    failures: list[str]


async def make_place(server: Server) -> Place:
    async with Api(server) as api:
        event, buyer = await api.sale("small"), await api.guest()
        held = await api.ok(event, buyer, "hold", seats=["B-1"], areas={"GA1": 1})
        booked = await api.ok(event, buyer, "book", hold=held["hold"])
        return Place(
            event=event,
            venue=await api.venue("small"),
            booking=booked["booking"],
            reference=booked["reference"],
            tokens={"admin": api.admin.token, "guest": buyer.token, "nobody": None},
        )


def document_of(server: Server) -> Document:
    answer = requests.get(f"{server.url}/openapi.json", timeout=10)
    assert answer.status_code == 200
    document = answer.json()
    assert isinstance(document, dict)
    return document


def explore(
    url: str,
    document: Document,
    token: str | None,
    parameters: dict[str, str],
    *,
    covered: bool,
) -> Found:
    """Send everything; `covered` also asks for each bound of the schema by itself."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "base-url": url,
            "headers": {} if token is None else {"Authorization": f"Bearer {token}"},
            "parameters": parameters,
            "continue-on-failure": True,
            "request-timeout": 10,
            "generation": {
                "deterministic": True,
                "max-examples": FUZZED,
                "database": "none",
                "no-shrink": True,
            },
            # What fits the schema may still be refused: a seat is taken, a sale closed.
            "checks": {"positive_data_acceptance": {"enabled": False}},
            "phases": {
                "coverage": {"enabled": covered},
                "stateful": {"enabled": False},
            },
        }
    )
    schema: schemathesis.BaseSchema
    schema = schemathesis.openapi.from_dict(document, config=config)
    for name in left_out(covered=covered):
        schema = schema.exclude(operation_id=name)
    found = Found(Counter(), Counter(), [])
    for event in engine.from_schema(schema).execute():
        match event:
            case events.ScenarioFinished(recorder=recorder):
                note(recorder, found)
            case events.NonFatalError(label=label, value=error):
                found.failures.append(f"{label}: {error!r}")
            case events.FatalError(exception=error):
                raise error
            case events.EngineFinished(stop_reason=reason, failures=failures):
                assert reason is StopReason.COMPLETED
                found.failures.extend(str(failure) for failure in failures)
            case _:
                pass
    return found


def left_out(*, covered: bool) -> set[str]:
    """Name the operations that are not asked for."""
    # A guest who registers is a guest no longer.
    return ENDING | (SLOW if covered else {"register"})


def note(recorder: Any, found: Found) -> None:
    """Keep what one scenario's requests came to."""
    for interaction in recorder.interactions.values():
        assert interaction.response is not None, "no answer"
        found.asked[recorder.label] += 1
        found.statuses[recorder.label, interaction.response.status_code] += 1
    for checks in recorder.checks.values():
        for check in checks:
            if check.status is not Status.SUCCESS:
                info = check.failure_info
                found.failures.append(
                    f"{recorder.label}: {check.name}: {info.failure}\n"
                    f"{info.code_sample}"
                )


# Only one asks for all the bounds, because they are the same for everyone.
WHO = {"admin": True, "guest": False, "nobody": False}
COMMANDS = "POST /v1/events/{event}/commands"
BOOKING = "GET /v1/bookings/{booking}"
# What each was answered at least once: that he was let in where he may, and no further.
ANSWERED = {
    "admin": {("POST /v1/events", 201), ("POST /v1/venues", 201), (COMMANDS, 422)},
    "guest": {(COMMANDS, 200), (BOOKING, 200), ("POST /v1/events", 403)},
    "nobody": {("GET /v1/events", 200), (COMMANDS, 401), (BOOKING, 401)},
}


@pytest.mark.slow
@pytest.mark.parametrize("who", WHO)
def test_every_answer_is_one_that_the_description_allows(server, who):
    place = asyncio.run(make_place(server))
    start = server.log_size()
    # An administrator would cancel the event, so he gets one that others made.
    parameters = {} if who == "admin" else place.parameters()
    found = explore(
        server.url,
        document_of(server),
        place.tokens[who],
        parameters,
        covered=WHO[who],
    )
    assert found.failures == []
    assert set(found.asked) == {
        f"{route.method} {route.path}"
        for route in ROUTES
        if route.name not in left_out(covered=WHO[who])
    }
    assert set(found.statuses) >= ANSWERED[who]
    if who != "admin":
        made = {label for label, status in found.statuses if status in {201, 204}}
        assert made == {"POST /v1/auth/guest"}
    assert errors_in(server.log_path.read_bytes()[start:].decode()) == []


def lying(document: Document, path: str) -> Document:
    """Leave one operation of a description, and make that one wrong."""
    false = copy.deepcopy(document)
    false["paths"] = {path: false["paths"][path]}
    (operation,) = false["paths"][path].values()
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    schema.clear()
    schema["type"] = "array"
    return false


def test_an_answer_that_is_not_as_described_would_be_found(server):
    false = lying(document_of(server), "/livez")
    found = explore(server.url, false, None, {}, covered=False)
    assert found.asked["GET /livez"] > 0
    assert any("is not of type" in failure for failure in found.failures)


def test_every_status_of_a_refused_command_is_described(server):
    operation = document_of(server)["paths"]["/v1/events/{event}/commands"]["post"]
    assert {str(status_of(code)) for code in CODES} <= set(operation["responses"])


def test_every_body_may_come_too_late_or_be_too_large(server):
    for path, operations in document_of(server)["paths"].items():
        for operation in operations.values():
            if "requestBody" in operation:
                assert {"408", "413", "415"} <= set(operation["responses"]), path
