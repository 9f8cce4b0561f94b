"""Names are text that a person can see, wherever somebody gives one."""

import uuid

import pytest

from tests.contract import charts
from tests.contract.client import Api, Json, Person, after, check_problem
from tests.contract.teams import account, organisation

UNSEEN = ["   ", "\u200b", "\x07", "\u2060\ufeff", "\u0301", "a\x07b", "a\nb"]
PASSWORD = "correct horse battery staple"


async def places(api: Api, name: str) -> list[tuple[str, str, Json, Person, str]]:
    """Give each way to say a name: method, path, body, who, and the field."""
    who = await account(api)
    path = f"/v1/organisations/{await organisation(api, who)}"
    event = (await api.draft(None, capacity=5))["id"]
    talk = await api.sale(None, capacity=5, registration="open")
    sale = {"name": "x", "capacity": 5, "starts_at": after(days=9)}
    chart = charts.chart([charts.row("A", 2, 10.0)])
    seat = {"label": "A-1", "number": "1", "category": "1", "x": 0, "y": 0}
    labelled = {"seats": [seat], "categories": [{"key": "1", "label": name}]}
    email = f"{uuid.uuid4().hex}@example.org"
    person = {"email": email, "name": name}
    admin = api.admin
    key = {"scopes": ["events:read"]}
    told = {"audience": "members", "subject": "x", "body": "x"}
    return [
        ("POST", "/v1/auth/register", {**person, "password": PASSWORD}, who, "name"),
        ("PATCH", "/v1/me", {"name": name}, who, "name"),
        ("POST", f"/v1/events/{talk}/attendees", person, who, "name"),
        ("POST", "/v1/events", {**sale, "name": name}, admin, "name"),
        ("POST", "/v1/events", {**sale, "category": name}, admin, "category"),
        ("POST", "/v1/events", {**sale, "tags": ["x", name]}, admin, "tags.1"),
        ("PATCH", f"/v1/events/{event}", {"name": name}, admin, "name"),
        ("PATCH", f"/v1/events/{event}", {"category": name}, admin, "category"),
        ("PATCH", f"/v1/events/{event}", {"tags": [name]}, admin, "tags.0"),
        ("POST", f"/v1/events/{event}/duplicate", {"name": name}, admin, "name"),
        ("POST", "/v1/venues", {"name": name, "chart": chart}, admin, "name"),
        (
            "POST",
            "/v1/venues",
            {"name": "x", "map": labelled},
            admin,
            "categories.0.label",
        ),
        ("POST", "/v1/organisations", {"name": name}, who, "name"),
        ("PATCH", path, {"name": name}, who, "name"),
        ("POST", f"{path}/api-keys", {**key, "name": name}, who, "name"),
        ("POST", f"{path}/announcements", {**told, "subject": name}, who, "subject"),
    ]


@pytest.mark.parametrize("name", UNSEEN)
async def test_a_name_that_nobody_can_see_is_refused(api, name):
    for method, path, body, who, field in await places(api, name):
        answer = await api.request(method, path, body, who=who)
        told = check_problem(answer, 422)
        assert told["code"] == "bad_field", (path, answer.raw)
        (error,) = told["errors"]
        assert error["field"].endswith(field), (path, error)
        assert "seen" in error["detail"], (path, error)
        assert "regex" not in error["detail"]


async def test_a_name_that_can_be_seen_is_kept_as_it_is(api):
    for name in ("!!!", " Ñandú ", "👩\u200d🚀", "न\u093eम"):
        made = await api.draft(None, capacity=5, name=name)
        assert made["name"] == name


async def test_a_text_of_several_lines_has_something_to_see(api):
    who = await account(api)
    path = f"/v1/organisations/{await organisation(api, who)}/announcements"
    body = {"audience": "members", "subject": "x", "body": "\n\u200b\n"}
    told = check_problem(await api.request("POST", path, body, who=who), 422)
    assert [error["field"] for error in told["errors"]] == ["body"]
    people = await api.request("GET", f"/v1/users/{who.id}", who=api.admin)
    assert people.status == 200
    suspend = {"suspended": True, "reason": " \u200b"}
    path = f"/v1/users/{who.id}"
    answer = await api.request("PATCH", path, suspend, who=api.admin)
    told = check_problem(answer, 422)
    assert [error["field"] for error in told["errors"]] == ["reason"]


async def texts(api: Api, text: str) -> list[tuple[str, str, Json, Person, str]]:
    """Give each way to say a text that may be empty, as `places` does."""
    who = await account(api)
    path = f"/v1/organisations/{await organisation(api, who)}"
    event = (await api.draft(None, capacity=5))["id"]
    sale = {"name": "x", "capacity": 5, "starts_at": after(days=9)}
    asking = {"message": text}
    return [
        ("POST", "/v1/events", sale | {"description": text}, api.admin, "description"),
        (
            "PATCH",
            f"/v1/events/{event}",
            {"description": text},
            api.admin,
            "description",
        ),
        (
            "POST",
            "/v1/organisations",
            {"name": "x", "description": text},
            who,
            "description",
        ),
        ("PATCH", path, {"description": text}, who, "description"),
        ("POST", f"{path}/join-requests", asking, await account(api), "message"),
    ]


@pytest.mark.parametrize("text", ["   ", "\u200b\n\u200b", "a\x07b", "\x1b[31mred"])
async def test_a_text_that_nobody_can_see_is_refused(api, text):
    for method, path, body, who, field in await texts(api, text):
        told = check_problem(await api.request(method, path, body, who=who), 422)
        assert [error["field"] for error in told["errors"]] == [field], path
        assert "seen" in told["errors"][0]["detail"]


@pytest.mark.parametrize("text", ["", "one\r\n\ttwo\x0bthree\n"])
async def test_a_text_may_be_empty_and_of_several_lines(api, text):
    for method, path, body, who, field in await texts(api, text):
        answer = await api.request(method, path, body, who=who)
        assert answer.status in {200, 201}, answer.raw
        assert answer.body[field] == text
