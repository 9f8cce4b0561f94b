"""Attendees of the house: noted once, found, registered for events, forgotten."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.client import Answer, Api, Json, Person, check_problem
from tests.contract.process import Server
from tests.contract.teams import account, api_key, by_machine, organizer, sale_of, team
from tests.contract.test_accounts import new_email
from tests.post_office import text_of

PATH = "/v1/attendees"


@pytest.fixture
async def api(mailing: Server) -> AsyncIterator[Api]:
    async with Api(mailing) as api:
        yield api


async def refused(answer: Answer, status: int, code: str) -> None:
    assert check_problem(answer, status)["code"] == code


async def noted(api: Api, who: Person, **fields: Any) -> Json:
    body = {"email": new_email(), "name": "Emil", **fields}
    answer = await api.request("POST", PATH, body, who=who)
    assert answer.status == 201, answer.raw
    assert answer.headers["location"] == f"{PATH}/{answer.body['id']}"
    assert isinstance(answer.body, dict)
    return answer.body


async def test_an_address_is_noted_once(api):
    who, email = await organizer(api), new_email()
    key = {"Idempotency-Key": "once"}
    body = {"email": email, "name": "Emil"}
    first = await api.request("POST", PATH, body, who=who, headers=key)
    again = await api.request("POST", PATH, body, who=who, headers=key)
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    other = await api.request(
        "POST", PATH, body | {"name": "Else"}, who=who, headers=key
    )
    await refused(other, 422, "key_reused")
    twin = await api.request("POST", PATH, body | {"email": email.upper()}, who=who)
    await refused(twin, 409, "attendee_exists")
    for wrong in ({"email": "none"}, {"name": "\u200b"}, {"id": "per_1"}):
        answer = await api.request("POST", PATH, body | wrong, who=who)
        await refused(answer, 422, "bad_field")
    path = f"{PATH}/{first.body['id']}"
    shown = await api.get(path, who)
    assert shown.body == first.body
    unchanged = await api.get(path, who, if_none_match=shown.headers["etag"])
    assert unchanged.status == 304
    assert (await api.request("DELETE", path, who=who)).status == 204
    for method in ("GET", "DELETE"):
        answer = await api.request(method, path, who=who)
        await refused(answer, 404, "attendee_not_found")
    assert (await noted(api, who, email=email))["id"] != first.body["id"]


async def test_people_are_listed_and_searched_in_pages(api):
    who, tag = await organizer(api), secrets.token_hex(4)
    made = [await noted(api, who, name=f"Ñandú {tag}{n}") for n in range(3)]
    found: list[str] = []
    cursor = ""
    while True:
        page = await api.good("GET", f"{PATH}?limit=2{cursor}", who=who)
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == [one["id"] for one in reversed(made)]

    async def search(text: str, by: Person = who) -> list[str]:
        page = await api.good("GET", PATH, who=by, params={"q": text})
        return [one["id"] for one in page["items"]]

    assert await search(f"nandu {tag}1") == [made[1]["id"]]
    assert await search(made[2]["email"]) == [made[2]["id"]]
    assert await search(made[0]["id"]) == [made[0]["id"]]
    assert await search("nobody at all") == []
    assert await search(made[0]["email"], api.admin) == [made[0]["id"]]
    assert await search(made[0]["email"], await organizer(api)) == []


async def test_people_are_their_organisation_s_and_nobody_else_s(api):
    one, other = await team(api), await team(api)
    made = await noted(api, one.leader, organisation=one.id)
    path = f"{PATH}/{made['id']}"
    for who in (one.owner, one.leader, one.staff, api.admin):
        assert (await api.get(path, who)).body == made
    machine = (await api_key(api, one))["key"]
    assert (await by_machine(api, machine, "GET", path)).body == made
    strange = (await api_key(api, other))["key"]
    for answer in (
        await api.get(path, other.owner),
        await api.get(path, await api.guest()),
        await api.request("DELETE", path, who=other.owner),
        await by_machine(api, strange, "GET", path),
        await by_machine(api, strange, "DELETE", path),
    ):
        await refused(answer, 404, "attendee_not_found")
    # Another organisation may know the same person.
    body = {"email": made["email"], "name": "Emil"}
    answer = await by_machine(api, strange, "POST", PATH, body)
    assert (answer.status, answer.body["organisation"]) == (201, other.id)
    page = await api.good("GET", PATH, who=other.staff)
    assert [item["id"] for item in page["items"]] == [answer.body["id"]]
    for who in (await account(api), await api.guest()):
        await refused(await api.get(PATH, who), 403, "forbidden")
        await refused(await api.request("POST", PATH, body, who=who), 403, "forbidden")
    body["organisation"] = one.id
    answer = await api.request("POST", PATH, body, who=other.owner)
    await refused(answer, 403, "forbidden")
    body["organisation"] = "org_that_never_was"
    answer = await api.request("POST", PATH, body, who=api.admin)
    await refused(answer, 422, "bad_field")
    answer = await api.request("DELETE", path, who=one.staff)
    await refused(answer, 403, "forbidden")
    answer = await by_machine(api, machine, "DELETE", path)
    assert answer.status == 204


async def test_somebody_is_registered_by_id(api, office):
    one = await team(api)
    event = await sale_of(api, one, registration="open")
    emil = await noted(api, one.leader, organisation=one.id)
    path = f"/v1/events/{event}/attendees"
    body = {"attendee": emil["id"]}
    made = await api.good("POST", path, body, who=one.leader)
    assert (made["email"], made["name"], made["person"], made["status"]) == (
        emil["email"],
        emil["name"],
        emil["id"],
        "registered",
    )
    mail = await office.mail_to(emil["email"], "You are registered")
    assert made["reference"] in text_of(mail)
    page = await api.good("GET", path, who=one.staff)
    assert page["items"] == [made]
    again = await api.request("POST", path, body, who=one.staff)
    await refused(again, 409, "already_registered")
    for wrong, field in (
        ({"name": "Emil"}, "name"),
        ({"email": emil["email"]}, "email"),
    ):
        answer = await api.request("POST", path, body | wrong, who=one.leader)
        assert check_problem(answer, 422)["errors"][0]["field"] == field
    for missing, field in (({}, "email"), ({"email": new_email()}, "name")):
        answer = await api.request("POST", path, missing, who=one.leader)
        assert check_problem(answer, 422)["errors"][0]["field"] == field
    for who, name in (
        (await organizer(api), emil["id"]),
        (await api.guest(), emil["id"]),
        (one.leader, "per_none"),
    ):
        answer = await api.request("POST", path, {"attendee": name}, who=who)
        await refused(answer, 404, "attendee_not_found")
    # Both kinds of id lead somewhere, and a registration outlives whom it was for.
    assert await api.good("GET", f"{PATH}/{made['id']}", who=one.staff) == made
    stranger = await api.get(f"{PATH}/{made['id']}", await account(api))
    await refused(stranger, 404, "attendee_not_found")
    answer = await api.request("DELETE", f"{PATH}/{emil['id']}", who=one.leader)
    assert answer.status == 204
    kept = await api.good("GET", f"{path}/{made['id']}", who=one.leader)
    assert kept == made | {"person": None}
    assert (await api.event(event))["counts"]["booked"] == 1
    answer = await api.request("DELETE", f"{PATH}/{made['id']}", who=one.leader)
    assert answer.status == 204
    gone = await api.good("GET", f"{PATH}/{made['id']}", who=one.leader)
    assert gone["status"] == "cancelled"
    assert (await api.event(event))["counts"]["booked"] == 0
    await api.audit(event)
