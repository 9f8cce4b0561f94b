"""Records of calls, made without a server around them."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.app import CAPABILITIES, ROUTES
from server.base.identity import Identity, Machine
from server.live.actors.registry import REGISTRY
from server.people.activity.capability import recorded_of
from server.people.activity.middleware import RECORDED, note_writes
from server.people.activity.service import ACTIVITIES
from server.transport.http.problems import (
    RATE_LIMITED,
    SEAT_NOT_FREE,
    ProblemError,
    response,
)
from server.transport.rest.notes import (
    note_actor,
    note_caller,
    note_details,
    note_objects,
    note_taking,
)

if TYPE_CHECKING:
    from persistence.people.activity import Record
    from server.live.actors.registry import EventRegistry

RECORDS = recorded_of(CAPABILITIES)
OLGA = Identity("usr_1", "customer", 2**31, "ses_1")


class Activities:
    def __init__(self):
        self.records: list[Record] = []
        self.put = self.records.append

    def now_ms(self):
        return 1_700_000_000_000


@pytest.fixture
def kept():
    return Activities()


@pytest.fixture
def app(kept):
    seller = SimpleNamespace(organisation="org_1")
    active = {"evt_sold": SimpleNamespace(seller=seller)}

    app = web.Application()
    app[ACTIVITIES] = kept
    app[RECORDED] = RECORDS
    app[REGISTRY] = cast("EventRegistry", SimpleNamespace(active=active))

    async def never(request):
        raise AssertionError

    path = "/v1/things/{event}/{code}"
    app.router.add_route("*", path, never)
    return app


async def asked(app, method="POST", path="/v1/things/evt_1/s3cret?token=s3cret"):
    request = make_mocked_request(method, path, app=app)
    found = await app.router.resolve(request)
    found.add_app(app)
    request._match_info = found
    return request


def answering(answer):
    async def handler(request):
        note_caller(request, OLGA, "203.0.113.7")
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return handler


async def test_a_record_has_the_template_and_ids_and_no_secret(app, kept):
    await note_writes(await asked(app), answering(web.Response(status=204)))
    (record,) = kept.records
    assert (record.route, record.objects) == (
        "/v1/things/{event}/{code}",
        {"event": "evt_1"},
    )
    assert (record.actor, record.role, record.status) == ("usr_1", "customer", 204)
    assert (record.at_ms, record.address) == (1_700_000_000_000, "203.0.113.0/24")
    assert "s3cret" not in repr(record)


@pytest.mark.parametrize("name", ["%00", "x" * 65])
async def test_a_part_of_a_path_that_is_no_id_is_left_out(app, kept, name):
    request = await asked(app, path=f"/v1/things/{name}/x")
    await note_writes(request, answering(web.Response()))
    assert kept.records[0].objects == {}


async def test_the_code_of_a_refusal_is_kept(app, kept):
    refused = response(ProblemError(SEAT_NOT_FREE), "r1")
    await note_writes(await asked(app), answering(refused))
    assert (kept.records[0].status, kept.records[0].code) == (409, "seat_not_free")


async def test_who_left_before_the_answer_is_kept_too(app, kept):
    with pytest.raises(ConnectionResetError):
        await note_writes(await asked(app), answering(ConnectionResetError()))
    assert (kept.records[0].status, kept.records[0].code) == (499, None)


async def test_a_read_that_takes_data_away_is_kept_with_who_took_it(app, kept):
    request = await asked(app, "GET", "/v1/things/evt_sold/x")

    async def taking(request):
        note_taking(request, OLGA, "203.0.113.7")
        return web.Response()

    await note_writes(request, taking)
    (record,) = kept.records
    assert (record.method, record.actor, record.status) == ("GET", "usr_1", 200)
    assert record.objects == {"organisation": "org_1", "event": "evt_sold"}
    assert record.address == "203.0.113.0/24"


async def test_the_event_that_a_handler_names_tells_the_organisation_too(app, kept):
    """As an order, of whose event the path says nothing."""

    async def handler(request):
        note_objects(request, event="evt_sold")
        return web.Response()

    await note_writes(await asked(app, path="/v1/things/%00/x"), handler)
    assert kept.records[0].objects == {"organisation": "org_1", "event": "evt_sold"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_reads_are_not_kept(app, kept, method):
    await note_writes(await asked(app, method), answering(web.Response()))
    assert kept.records == []


async def test_what_is_refused_for_coming_too_often_is_not_kept(app, kept):
    refused = response(ProblemError(RATE_LIMITED), "r1")
    await note_writes(await asked(app), answering(refused))
    assert kept.records == []


@pytest.mark.parametrize(
    ("location", "made"),
    [
        ("/v1/events/evt_9", {"event": "evt_9"}),
        ("/v1/organisations/org_1/api-keys/key_1", {"event": "evt_1", "key": "key_1"}),
        ("/v1/surprises/s3cret", {"event": "evt_1"}),
        ("", {"event": "evt_1"}),
    ],
)
async def test_what_a_call_made_is_kept(app, kept, location, made):
    answer = web.Response(status=201, headers={"Location": location})
    await note_writes(await asked(app), answering(answer))
    assert kept.records[0].objects == made


async def test_what_a_handler_tells_is_kept(app, kept):
    async def handler(request):
        note_actor(request, "usr_2", "admin")
        note_objects(request, user="usr_3")
        note_details(request, role=["customer", "organizer"])
        return web.Response()

    await note_writes(await asked(app), handler)
    (record,) = kept.records
    assert (record.actor, record.role) == ("usr_2", "admin")
    assert record.objects == {"event": "evt_1", "user": "usr_3"}
    assert record.details == {"role": ["customer", "organizer"]}


async def test_a_read_has_nothing_to_note_on(app):
    request = await asked(app, "GET")
    note_actor(request, "usr_2", "admin")
    note_objects(request, user="usr_3")
    note_details(request, role=["a", "b"])
    note_caller(request, OLGA, "203.0.113.7")


async def test_a_call_about_an_event_is_about_the_organisation_that_sells_it(app, kept):
    for path in ("/v1/things/evt_sold/s3cret", "/v1/things/evt_free/s3cret"):
        await note_writes(await asked(app, path=path), answering(web.Response()))
    found = [record.objects for record in kept.records]
    assert found == [
        {"event": "evt_sold", "organisation": "org_1"},
        {"event": "evt_free"},
    ]


async def test_a_machine_s_own_organisation_goes_before(app, kept):
    machine = Machine(
        user="key_1",
        role="key",
        expires_at_s=2**31,
        organisation="org_2",
        scopes=frozenset(),
    )

    async def handler(request):
        note_caller(request, machine, "203.0.113.7")
        return web.Response()

    await note_writes(await asked(app, path="/v1/things/evt_sold/x"), handler)
    assert kept.records[0].objects["organisation"] == "org_2"


NO_THINGS = {
    "transfer",
    "guest",
    "register",
    "duplicate",
    "codes",
    "entries",
    "place",
    "sales",
}
"""Ends of paths that make no thing, or one that is found at another address or none."""


@pytest.mark.parametrize(
    "path",
    [
        route.path
        for route in ROUTES
        if (route.method, route.status) == ("POST", 201)
        and route.path.rpartition("/")[2] not in NO_THINGS
    ],
)
async def test_whatever_is_made_is_named(app, kept, path):
    end = path.rpartition("/")[2]
    assert RECORDS.made_at[end] in RECORDS.objects
    answer = web.Response(status=201, headers={"Location": f"{path}/new_1"})
    await note_writes(await asked(app), answering(answer))
    assert kept.records[0].objects[RECORDS.made_at[end]] == "new_1"
