"""A capability is all that it takes to serve something, and to describe it.

Here that is a box of toys, of which no file of the server knows.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import jsonschema
import orjson
import pytest
from aiohttp import web
from msgspec import Struct
from openapi_spec_validator import OpenAPIV31SpecValidator

from server import app as server_app
from server.app import CAPABILITIES
from server.base.refusals.refusals import ProblemType
from server.ops.api import openapi
from server.transport.capability.capability import Capability, Startup, routes_of
from server.transport.http.problems import ProblemError
from server.transport.rest.call import Call
from server.transport.rest.examples import Examples, PathParameter
from server.transport.rest.route import Route
from tests.server.conftest import ADMIN, Client, run_server


class Toy(Struct):
    """Something to play with."""

    name: str
    wheels: int


Box = dict[str, Toy]
BOX = web.AppKey("box", Box)
TOY_NOT_FOUND = ProblemType("toy_not_found", 404, "There is no such toy.")
EXAMPLE = {"name": "tractor", "wheels": 4}


async def open_box(startup: Startup) -> None:
    startup[BOX] = {"tractor": Toy("tractor", 4)}


async def show_toy(call: Call) -> web.Response:
    toy = call[BOX].get(call.path("toy", TOY_NOT_FOUND))
    if toy is None:
        raise ProblemError(TOY_NOT_FOUND)
    return call.read(toy)


TOYS = Capability(
    name="toys",
    open=open_box,
    routes=(
        Route(
            method="GET",
            path="/v1/toys/{toy}",
            handler=show_toy,
            name="show_toy",
            summary="Show a toy",
            tag="Toys",
            access="organizer",
            answers=Toy,
            cached=True,
            problems=(TOY_NOT_FOUND,),
        ),
    ),
    parameters={"toy": PathParameter("The toy's name.", "tractor")},
    tags={"Toys": "Look at them, one after the other."},
    examples=Examples(answers={"show_toy": EXAMPLE}),
)
ALL = (*CAPABILITIES, TOYS)


def described(capabilities: tuple[Capability, ...]) -> Any:
    return json.loads(orjson.dumps(openapi.build(capabilities)))


def test_what_it_serves_is_described_beside_everything_else():
    without, document = described(CAPABILITIES), described(ALL)
    OpenAPIV31SpecValidator(document).validate()
    operation = document["paths"].pop("/v1/toys/{toy}")["get"]
    assert operation["operationId"] == "show_toy"
    assert operation["parameters"][0] == {
        "name": "toy",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "The toy's name.",
        "example": "tractor",
    }
    good = operation["responses"]["200"]["content"]["application/json"]
    assert good["example"] == EXAMPLE
    whole = {**good["schema"], "components": document["components"]}
    jsonschema.validate(EXAMPLE, whole, jsonschema.Draft202012Validator)
    missing = operation["responses"]["404"]
    assert missing["description"] == "`toy_not_found`: There is no such toy."
    assert {"401", "403", "429", "500"} <= operation["responses"].keys()
    assert document["tags"].pop() == {
        "name": "Toys",
        "description": "Look at them, one after the other.",
    }
    del document["components"]["schemas"]["Toy"]
    assert document == without


@pytest.fixture
async def playing(database_url: str, monkeypatch) -> AsyncIterator[Client]:
    """Somebody without a token, whose server has toys besides all else."""
    monkeypatch.setattr(server_app, "CAPABILITIES", ALL)
    monkeypatch.setattr(server_app, "ROUTES", routes_of(ALL))
    async for client in run_server(database_url, rate_limits="off"):
        yield client


@pytest.mark.postgres
async def test_what_it_serves_stands_behind_the_guard(playing):
    guest = await playing.good("POST", "/v1/auth/guest")
    admin = await playing.good("POST", "/v1/auth/login", ADMIN)
    for client, code in (
        (playing, "unauthenticated"),
        (playing.as_("forged"), "unauthenticated"),
        (playing.as_(guest["access_token"]), "forbidden"),
    ):
        assert (await client.get("/v1/toys/tractor")).body["code"] == code
    organizer = playing.as_(admin["access_token"])
    shown = await organizer.get("/v1/toys/tractor")
    assert (shown.status, shown.body) == (200, EXAMPLE)
    known = await organizer.get("/v1/toys/tractor", If_None_Match=shown.headers["ETag"])
    assert known.status == 304
    for missing in ("doll", "x" * 1_000):
        answer = await organizer.get(f"/v1/toys/{missing}")
        assert (answer.status, answer.body["code"]) == (404, "toy_not_found")
    assert await playing.good("GET", "/openapi.json") == described(ALL)


# How all of them start and stop.


def startup_of(*capabilities: Capability) -> Startup:
    nothing = cast("Any", SimpleNamespace())
    app = web.Application()
    return Startup(capabilities, nothing, nothing, nothing, nothing, app)


def noting(name: str, notes: list[str]) -> Capability:
    """Return a capability that notes what happens to it."""

    async def run() -> None:
        notes.append(f"{name} runs")
        await asyncio.Event().wait()

    async def ready() -> None:
        # What runs gets its turn.
        await asyncio.sleep(0)
        notes.append(f"{name} is ready")

    async def drain(within_s: float) -> None:
        notes.append(f"{name} drains")

    async def close() -> None:
        notes.append(f"{name} closes")

    async def opener(startup: Startup) -> None:
        notes.append(f"{name} opens")
        startup.run(run(), name)
        startup.before_ready(ready)
        startup.on_drain(drain)
        startup.on_stop(close)

    return Capability(name=name, open=opener)


async def test_all_open_in_order_and_end_in_the_opposite_one():
    notes: list[str] = []
    startup = startup_of(noting("bus", notes), TOYS, noting("shop", notes))
    await startup.open_all()
    assert notes[:2] == ["bus opens", "shop opens"]
    assert notes[2:] == ["bus runs", "shop runs", "bus is ready", "shop is ready"]
    assert startup[BOX] == {"tractor": Toy("tractor", 4)}
    notes.clear()
    await startup.drain(1.0)
    await startup.close()
    assert notes == ["shop drains", "bus drains", "shop closes", "bus closes"]
    assert not startup.failed.done()


async def test_one_that_cannot_open_leaves_nothing_open():
    async def broken(startup: Startup) -> None:
        raise OSError("no room for toys")

    notes: list[str] = []
    late = noting("shop", notes)
    startup = startup_of(
        noting("bus", notes), Capability(name="toys", open=broken), late
    )
    with pytest.raises(OSError, match="no room for toys"):
        await startup.open_all()
    await startup.close()
    assert notes == ["bus opens", "bus closes"]


@pytest.mark.parametrize(
    ("error", "told"), [(OSError("it broke"), "it broke"), (None, "toys ended")]
)
async def test_the_death_of_what_runs_is_the_server_s(error, told):
    async def die() -> None:
        if error is not None:
            raise error

    async def opener(startup: Startup) -> None:
        startup.run(die(), "toys")

    startup = startup_of(Capability(name="toys", open=opener))
    await startup.open_all()
    with pytest.raises(type(error or RuntimeError()), match=told):
        async with asyncio.timeout(60):
            await startup.failed
    await startup.close()
