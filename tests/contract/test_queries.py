"""Query parameters: no route ignores what it does not know, and lists can count."""

from typing import Any

import pytest

from tests.contract.client import Api, after, check_problem
from tests.contract.teams import account, organisation


async def operations(api: Api) -> list[tuple[str, str, Any]]:
    document = await api.good("GET", "/openapi.json")
    return [
        (method.upper(), path, said)
        for path, found in document["paths"].items()
        for method, said in found.items()
    ]


async def test_no_route_below_v1_ignores_what_it_does_not_know(api):
    for method, path, said in await operations(api):
        if not path.startswith("/v1/"):
            continue
        for one in said["parameters"]:
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", str(one["example"]))
        answer = await api.request(method, f"{path}?nobody_knows_this=1", who=api.admin)
        problem = check_problem(answer, 422)
        assert problem["code"] == "bad_field", (method, path)
        assert [one["field"] for one in problem["errors"]] == ["nobody_knows_this"]


async def test_operational_routes_leave_alone_what_they_do_not_know(api):
    for path in ("/livez", "/readyz", "/health", "/openapi.json", "/asyncapi.json"):
        answer = await api.get(f"{path}?probe=1")
        assert answer.status == 200, path


@pytest.mark.parametrize(
    ("query", "field", "told"),
    [
        ("limt=5", "limt", "`limit`"),
        ("organization=x", "organization", "`organisation`"),
        ("limit=1&limit=2", "limit", "once"),
        ("q=a&q=b", "q", "once"),
        ("count=1", "count", "true, false"),
    ],
)
async def test_the_list_of_events_says_what_is_wrong(api, query, field, told):
    for who in (None, api.admin):
        problem = check_problem(await api.get(f"/v1/events?{query}", who), 422)
        assert problem["code"] == "bad_field"
        (fault,) = problem["errors"]
        assert fault["field"] == field
        assert told in fault["detail"]


async def test_whoever_may_not_is_told_that_first(api):
    guest = await api.guest()
    problem = check_problem(await api.get("/v1/users?x=1", guest))
    assert problem["code"] == "forbidden"
    assert check_problem(await api.get("/v1/users?x=1"))["code"] == "unauthenticated"


async def test_an_event_that_is_in_a_cache_is_asked_properly_too(api):
    event = await api.sale("small")
    assert (await api.get(f"/v1/events/{event}")).status == 200
    check_problem(await api.get(f"/v1/events/{event}?fields=name"), 422)
    check_problem(await api.get(f"/v1/events/{event}/availability?since=1"), 422)


async def test_the_socket_takes_no_parameters(api):
    problem = check_problem(await api.get("/v1/ws?token=abc"), 422)
    assert problem["code"] == "bad_field"


async def test_every_list_pages_and_counts(api):
    lists = 0
    for method, path, said in await operations(api):
        good = next(s for s in said["responses"] if s.startswith("2"))
        (shown,) = said["responses"][good].get("content", {"": {}}).values()
        name = shown.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if not name.startswith("Page"):
            continue
        lists += 1
        names = {one["name"] for one in said["parameters"] if one["in"] == "query"}
        assert {"limit", "cursor", "count"} <= names, (method, path)
    assert lists >= 15


async def test_a_total_counts_what_the_caller_may_see_of_what_was_asked_for(api):
    owner, stranger = await account(api), await account(api)
    org = await organisation(api, owner)
    tag = f"count{org[4:].lower()}"
    body = {"capacity": 5, "starts_at": after(days=9), "organisation": org}
    for number in range(3):
        await api.good(
            "POST",
            "/v1/events",
            {**body, "name": f"No. {number}", "tags": [tag]},
            who=owner,
        )
    draft_only = {"tag": tag, "limit": "1", "count": "true"}
    page = await api.good("GET", "/v1/events", who=stranger, params=draft_only)
    assert (page["items"], page["total"]) == ([], 0)
    own = f"/v1/organisations/{org}/events"
    page = await api.good("GET", own, who=owner, params={"limit": "1", "count": "true"})
    assert (len(page["items"]), page["total"]) == (1, 3)
    for item in (await api.good("GET", own, who=owner))["items"][:2]:
        await api.good("POST", f"/v1/events/{item['id']}/publish", who=owner)
    page = await api.good("GET", "/v1/events", who=stranger, params=draft_only)
    assert (len(page["items"]), page["total"]) == (1, 2)
    page = await api.good(
        "GET",
        "/v1/events",
        who=stranger,
        params={"tag": tag, "count": "true", "cursor": page["next_cursor"]},
    )
    assert (len(page["items"]), page["total"]) == (1, 2)
    page = await api.good("GET", "/v1/events", who=stranger, params={"tag": tag})
    assert "total" not in page


async def test_filters_of_events_stand_together(api):
    org = await organisation(api, who := await account(api))
    common = {"organisation": org, "capacity": 5, "tags": ["filtered"]}

    async def made(name: str, days: int, price: int | None) -> None:
        fields: dict[str, Any] = {"name": name, "starts_at": after(days=days)}
        if price is not None:
            fields["prices"] = {"GA": {"amount": price, "currency": "EUR"}}
        event = await api.good("POST", "/v1/events", common | fields, who=who)
        await api.good("POST", f"/v1/events/{event['id']}/publish", who=who)

    await made("Soon for nothing", 10, None)
    await made("Soon for some", 13, 1_500)
    await made("Soon for more", 16, 4_500)
    await made("Late for nothing", 100, 0)

    async def found(**params: str) -> list[str]:
        page = await api.good(
            "GET", "/v1/events", params={"organisation": org, "count": "true"} | params
        )
        assert page["total"] == len(page["items"])
        return [item["name"] for item in page["items"]]

    assert await found(free="true") == ["Soon for nothing", "Late for nothing"]
    assert await found(free="false") == ["Soon for some", "Soon for more"]
    assert await found(price_min="1500", price_max="2000") == ["Soon for some"]
    assert await found(price_max="1500", q="soon", upcoming="true") == [
        "Soon for nothing",
        "Soon for some",
    ]
    assert await found(upcoming="false") == []
    assert await found(currency="eur", sort="-starts_at", tag="filtered") == [
        "Late for nothing",
        "Soon for more",
        "Soon for some",
    ]
    day = after(days=14)[:10]
    near = await found(near=day)
    assert near[0] in {"Soon for some", "Soon for more"}
    assert set(near) == {"Soon for some", "Soon for more", "Soon for nothing"}
    assert await found(near=after(days=15, hours=20)) == [
        "Soon for more",
        "Soon for some",
        "Soon for nothing",
    ]
    assert await found(near=day, sort="name", free="false") == [
        "Soon for more",
        "Soon for some",
    ]
    assert (await found(near=after(days=90), **{"from": after(days=1)}))[:2] == [
        "Late for nothing",
        "Soon for more",
    ]
    for field, params in {
        "price_max": {"price_min": "2", "price_max": "1"},
        "price_min": {"price_min": "-1"},
        "free": {"free": "yes"},
        "currency": {"currency": "euro"},
        "near": {"near": "tomorrow"},
        "sort": {"sort": "near"},
    }.items():
        answer = await api.request("GET", "/v1/events", params=params)
        assert [one["field"] for one in check_problem(answer, 422)["errors"]] == [field]
    for wrong in ("2026-W52-1", "2026-02-30", "0000-01-01"):
        answer = await api.request("GET", "/v1/events", params={"near": wrong})
        assert check_problem(answer, 422)["code"] == "bad_field"
    for edge in ("0001-01-01", "9999-12-31", "0002-01-01T00:00:00+14:00"):
        assert await found(near=edge) == []
