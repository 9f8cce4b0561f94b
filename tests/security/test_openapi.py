"""Ask the REST interface what its own description allows, and what it forbids.

Every request is made from `/openapi.json`, and every answer is held against it: a 5xx,
a status, a type or a field that is not described, and nonsense or a missing token that
is accepted, are failures. The same requests are sent each time.

First each operation is asked by itself. Then what was made is used, along the links of
the description: shown, changed, sold, deleted, and asked for after that.
"""

import asyncio
import copy
import logging
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple
from unittest import mock

import pytest
import requests
import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, StopReason, events

from inventory.rejections import CODES
from server.app import ROUTES
from server.transport.http.problems import REFUSALS
from tests.contract.client import Api, after
from tests.contract.process import Server
from tests.contract.teams import promoted
from tests.security.frame_fuzzer import errors_in

log = logging.getLogger(__name__)

SEED = int(os.environ.get("ONSALE_TEST_SEED") or 20261121)
FUZZED, FUZZED_LONG = 1, 20
"""Requests of each operation and kind, beside those that cover its schema: in each run
of the tests, and in the campaign."""

SLOW = {"log_in", "register", "change_password", "edit_me", "forgot_password"}
"""Each may take the hash of a password, or as long; the few of others are enough."""

ENDING = {"log_out", "log_out_everywhere"}
"""Whoever does these is nobody for the rest of the run, or of the tests."""

OWN = {"end_session", "delete_me", "edit_user", "delete_user", "sign_user_out"}
"""One's own session or account is found in what was answered before, and ended."""

ALONE = ENDING | OWN

TALK = {"POST /v1/rooms/{room}/messages"}
"""What somebody with a place may make, whatever they are."""

PEOPLE = {"register", "log_in", "change_password", "reset_password", "forgot_password"}
"""Nothing that they make is used after."""

ROUNDS = int(os.environ.get("ONSALE_TEST_ROUNDS", "100"))
"""Runs of the campaign, each of another seed; one is given up where chance turns."""

Document = dict[str, Any]


class Instance(NamedTuple):
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
    followed: Counter[tuple[str, str]]
    """Where links of the description led from and to, and that was accepted."""


async def make_place(server: Server) -> Instance:
    async with Api(server) as api:
        event, buyer = await api.sale("small"), await api.guest()
        held = await api.ok(event, buyer, "hold", seats=["B-1"], areas={"GA1": 1})
        booked = await api.ok(event, buyer, "book", hold=held["hold"])
        return Instance(
            event=event,
            venue=await api.venue("small"),
            booking=booked["booking"],
            reference=booked["reference"],
            tokens={"admin": api.admin.token, "guest": buyer.token, "nobody": None},
        )


async def make_admin(server: Server) -> str:
    """Return the token of an administrator who owns nothing yet; there are limits."""
    async with Api(server) as api:
        return (await promoted(api, "admin")).token


def document_of(server: Server) -> Document:
    answer = requests.get(f"{server.url}/openapi.json", timeout=120)
    assert answer.status_code == 200
    document = answer.json()
    assert isinstance(document, dict)
    return document


def explore(
    url: str,
    document: Document,
    token: str | None,
    phases: dict[str, Any],
    *,
    without: Iterable[str] = (),
    parameters: dict[str, str] | None = None,
    seed: int = SEED,
    fuzzed: int = FUZZED,
) -> Found:
    """Send everything that belongs to these phases, but for some operations."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "base-url": url,
            "headers": {} if token is None else {"Authorization": f"Bearer {token}"},
            "parameters": parameters or {},
            "continue-on-failure": True,
            "request-timeout": 120,
            "generation": {
                "deterministic": seed == SEED,
                "max-examples": fuzzed,
                "database": "none",
                "no-shrink": True,
            },
            # What fits the schema may still be refused: a seat is taken, a sale closed.
            "checks": {"positive_data_acceptance": {"enabled": False}},
            "phases": phases,
        }
    )
    schema: schemathesis.BaseSchema
    schema = schemathesis.openapi.from_dict(document, config=config)
    for name in without:
        schema = schema.exclude(operation_id=name)
    found = Found(Counter(), Counter(), [], Counter())
    # No proxy is between; who is asked of one reads the environment for each request.
    with mock.patch.object(requests.sessions, "get_environ_proxies", return_value={}):
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


def one_by_one(*, covered: bool) -> dict[str, Any]:
    """Ask each operation by itself; `covered` with each bound of its schema, too."""
    return {"coverage": {"enabled": covered}, "stateful": {"enabled": False}}


def in_turn(chains: int, steps: int, **more: Any) -> dict[str, Any]:
    """Ask for what answers have named, in chains of so many calls."""
    stateful = {"enabled": True, "max-steps": steps, **more}
    stateful["generation"] = {"max-examples": chains, **more.get("generation", {})}
    return {"enabled": False, "stateful": stateful}


def left_out(*, covered: bool) -> set[str]:
    """Name the operations that are not asked for."""
    # A guest who registers is a guest no longer.
    return ALONE | (SLOW if covered else {"register"})


def note(recorder: Any, found: Found) -> None:
    """Keep what one scenario's requests came to."""
    for key, interaction in recorder.interactions.items():
        assert interaction.response is not None, "no answer"
        case, status = recorder.cases[key], interaction.response.status_code
        label = case.value.operation.label
        found.asked[label] += 1
        found.statuses[label, status] += 1
        link = case.transition
        if link is not None and not link.is_inferred and status < 300:
            source = recorder.cases[link.parent_id].value.operation.label
            found.followed[source, label] += 1
    for key, checks in recorder.checks.items():
        for check in checks:
            if check.status is not Status.SUCCESS:
                info = check.failure_info
                found.failures.append(
                    f"{recorder.cases[key].value.operation.label}: {check.name}: "
                    f"{info.failure}\n{info.code_sample}"
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
@pytest.mark.parametrize(
    "fuzzed",
    [FUZZED, pytest.param(FUZZED_LONG, marks=pytest.mark.campaign)],
    ids=["short", "long"],
)
@pytest.mark.parametrize("who", WHO)
def test_every_answer_is_one_that_the_description_allows(server, who, fuzzed):
    instance = asyncio.run(make_place(server))
    start = server.log_size()
    # An administrator would cancel the event, so he gets one that others made.
    parameters = {} if who == "admin" else instance.parameters()
    found = explore(
        server.url,
        sendable(document_of(server)),
        instance.tokens[who],
        one_by_one(covered=WHO[who]),
        without=left_out(covered=WHO[who]),
        parameters=parameters,
        fuzzed=fuzzed,
    )
    assert not found.failures, "\n\n".join(found.failures)
    assert set(found.asked) == {
        f"{route.method} {route.path}"
        for route in ROUTES
        if route.name not in left_out(covered=WHO[who])
    }
    assert set(found.statuses) >= ANSWERED[who]
    if who != "admin":
        made = {label for label, status in found.statuses if status in {201, 204}}
        assert made - TALK == {"POST /v1/auth/guest"}
    assert errors_in(server.log_path.read_bytes()[start:].decode()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(OWN))
def test_what_may_end_ones_own_session_answers_as_described(server, name):
    token, start = asyncio.run(make_admin(server)), server.log_size()
    others = {route.name for route in ROUTES if route.name != name}
    phases, document = one_by_one(covered=True), sendable(document_of(server))
    found = explore(server.url, document, token, phases, without=others)
    assert not found.failures, "\n\n".join(found.failures)
    assert len(found.asked) == 1
    assert errors_in(server.log_path.read_bytes()[start:].decode()) == []


def sendable(document: Document) -> Document:
    """Give examples that can be sent as they are: they name nothing that is not here.

    Those of the description tell a story, in which what they name was made before.
    """
    ready = copy.deepcopy(document)
    for operations in ready["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                parameter.pop("example", None)
    body = ready["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    body["application/json"].pop("examples", None)
    body["application/json"]["example"] = {
        "name": "An evening",
        "capacity": 10,
        "starts_at": after(days=30),
        "registration": "open",
    }
    return ready


@pytest.mark.slow
def test_what_was_made_is_used_along_the_links_of_the_description(server):
    token, start = asyncio.run(make_admin(server)), server.log_size()
    found = explore(
        server.url,
        sendable(document_of(server)),
        token,
        # No other links: what other tests made is not for this one to delete.
        in_turn(10, 40, inference={"algorithms": []}, generation={"mode": "positive"}),
        without=ALONE | PEOPLE,
    )
    assert not found.failures, "\n\n".join(found.failures)
    # Which of them is chance, and will be another for another version of the checker.
    assert len(found.followed) >= 10, found.followed
    assert errors_in(server.log_path.read_bytes()[start:].decode()) == []


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("mode", ["positive", "all"])
def test_no_long_chain_of_calls_finds_anything(mode):
    server = Server(ONSALE_LOG_LEVEL="debug")
    asked, followed = Counter[str](), Counter[tuple[str, str]]()
    try:
        server.start()
        document = sendable(document_of(server))
        for seed in range(SEED, SEED + ROUNDS):
            found = explore(
                server.url,
                document,
                asyncio.run(make_admin(server)),
                in_turn(20, 40, generation={"mode": mode}),
                without=ALONE,
                seed=seed,
            )
            assert not found.failures, "\n\n".join([f"{seed=}", *found.failures])
            asked += found.asked
            followed += found.followed
        assert errors_in(server.log()) == []
    finally:
        server.remove()
    log.info("%d requests; %d links led somewhere", asked.total(), len(followed))


def lying(document: Document, path: str) -> Document:
    """Make a description wrong about what is read at a path."""
    false = copy.deepcopy(document)
    answer = false["paths"][path]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    schema.clear()
    schema["type"] = "array"
    return false


@pytest.mark.parametrize(
    ("path", "asked", "phases"),
    [
        ("/livez", {"show_alive"}, one_by_one(covered=False)),
        (
            "/v1/events/{event}",
            {"create_event", "show_event"},
            in_turn(10, 5, inference={"algorithms": []}),
        ),
    ],
    ids=["alone", "in-turn"],
)
def test_an_answer_that_is_not_as_described_would_be_found(server, path, asked, phases):
    false = lying(sendable(document_of(server)), path)
    others = {route.name for route in ROUTES} - asked
    # Of an administrator who has made nothing yet: of events there may be too many.
    token = asyncio.run(make_admin(server))
    found = explore(server.url, false, token, phases, without=others)
    assert found.asked[f"GET {path}"] > 0
    assert any("is not of type" in failure for failure in found.failures)


def test_every_status_of_a_refused_command_is_described(server):
    operation = document_of(server)["paths"]["/v1/events/{event}/commands"]["post"]
    # No buyer's command names a revision: that is for whoever edits an event.
    codes = set(CODES) - {"precondition_failed"}
    assert {str(REFUSALS[code].status) for code in codes} <= set(operation["responses"])


def test_every_body_may_come_too_late_or_be_too_large(server):
    for path, operations in document_of(server)["paths"].items():
        for operation in operations.values():
            if "requestBody" in operation:
                assert {"408", "413", "415"} <= set(operation["responses"]), path
