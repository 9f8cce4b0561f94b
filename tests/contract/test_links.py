"""What the description links to is there once it was made, and gone once deleted."""

import re
import secrets
from typing import Any

import pytest

from server.app import ROUTES
from tests.contract.client import Api, Json, Person, after, check_problem
from tests.contract.teams import account

ORGANISATION = "/v1/organisations"
EVENT: Json = {
    "name": "An evening",
    "capacity": 10,
    "starts_at": after(days=30),
    "registration": "open",
}
# Where something is made, from what, and what its id is called in paths.
KINDS: dict[str, tuple[str, Json]] = {
    "event": ("/v1/events", EVENT),
    "organisation": (ORGANISATION, {"name": "Theatre"}),
    "invitation": (
        f"{ORGANISATION}/{{organisation}}/invitations",
        {"email": "bert@example.org"},
    ),
    "request": (f"{ORGANISATION}/{{organisation}}/join-requests", {}),
    "key": (
        f"{ORGANISATION}/{{organisation}}/api-keys",
        {"name": "Till", "scopes": ["events:read"]},
    ),
}


async def maker_of(api: Api, kind: str) -> Person:
    """Return whoever may make this; who asks to join is no member yet."""
    return await account(api) if kind == "request" else api.admin


async def make(
    api: Api, kind: str, ids: dict[str, str], who: Person, key: str | None = None
) -> Json:
    """Make something, and note its id."""
    path, body = KINDS[kind]
    headers = {"Idempotency-Key": key or secrets.token_hex(8)}
    answer = await api.request(
        "POST", path.format(**ids), body, who=who, headers=headers
    )
    assert answer.status == 201, answer.raw
    ids[kind] = answer.body["id"]
    assert answer.headers["location"] == f"{path}/{{{kind}}}".format(**ids)
    assert isinstance(answer.body, dict)
    return answer.body


SOMETIMES = ("/line/entries/me", "/line/entrants", "/line/transcript")
"""What is there when the reader has joined the line, or when it was drawn."""


async def reads_below(api: Api, path: str, ids: dict[str, str]) -> list[str]:
    """Return every address below this one that can be read with these ids."""
    document = await api.good("GET", "/openapi.json")
    return [
        found.format(**ids)
        for found, operations in document["paths"].items()
        if found.startswith(path)
        and not found.endswith(SOMETIMES)
        and "get" in operations
        and set(re.findall(r"\{(\w+)\}", found)) <= ids.keys()
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_made_can_be_read_until_it_is_deleted(api, kind):
    ids: dict[str, str] = {}
    for name in re.findall(r"\{(\w+)\}", KINDS[kind][0]):
        await make(api, name, ids, api.admin)
    who, key = await maker_of(api, kind), secrets.token_hex(8)
    made = await make(api, kind, ids, who, key)
    path = f"{KINDS[kind][0]}/{{{kind}}}"
    place = path.format(**ids)
    if kind == "event":
        await api.good("POST", f"{place}/publish", who=api.admin)
        body = {"email": "olga@example.org", "name": "Olga"}
        one = await api.good("POST", f"{place}/attendees", body, who=api.admin)
        ids["attendee"] = one["id"]
        cancel = f"{place}/attendees/{one['id']}/cancel"
        await api.good("POST", cancel, who=api.admin)
    reads = await reads_below(api, path, ids)
    assert place in reads
    for found in reads:
        assert (await api.get(found, api.admin)).status == 200, found
    await api.good("DELETE", place, who=who)
    # Asked for again, under its key, it is not made again.
    assert (await make(api, kind, ids, who, key))["id"] == made["id"]
    for found in reads:
        answer = await api.get(found, api.admin)
        assert check_problem(answer, 404)["code"].endswith("_not_found"), found


async def test_lists_go_on_telling_of_what_was_taken_back(api):
    ids: dict[str, str] = {}
    await make(api, "organisation", ids, api.admin)
    for kind, told in (
        ("invitation", {"state": "withdrawn"}),
        ("request", {"state": "withdrawn"}),
        ("key", {}),
    ):
        who = await maker_of(api, kind)
        made = await make(api, kind, ids, who)
        path = KINDS[kind][0].format(**ids)
        await api.good("DELETE", f"{path}/{made['id']}", who=who)
        (listed,) = (await api.good("GET", path, who=api.admin))["items"]
        assert listed["id"] == made["id"]
        assert listed.items() >= told.items()
        assert kind != "key" or listed["revoked_at"] is not None


async def links_of(api: Api, path: str) -> dict[str, Any]:
    document = await api.good("GET", "/openapi.json")
    links = document["paths"][path]["post"]["responses"]["201"]["links"]
    assert isinstance(links, dict)
    return links


async def test_a_copy_is_linked_as_what_it_was_made_from(api):
    assert await links_of(api, "/v1/events/{event}/duplicate") == await links_of(
        api, "/v1/events"
    )


@pytest.mark.parametrize("key", ["", "k" * 129])
async def test_no_write_is_made_under_a_key_that_is_none(api, key):
    for route in ROUTES:
        if route.keyed:
            path = re.sub(r"\{\w+\}", "one", route.path)
            answer = await api.request(
                route.method, path, {}, who=api.admin, headers={"Idempotency-Key": key}
            )
            problem = check_problem(answer, 422)
            assert problem["code"] == "bad_field", route.name
            assert problem["errors"][0]["field"] == "Idempotency-Key", route.name
