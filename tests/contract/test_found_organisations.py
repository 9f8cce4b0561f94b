"""Organisations as strangers find them, and how they opt out."""

import secrets

from tests.contract.client import check_problem
from tests.contract.teams import account, api_key, team


async def test_an_organisation_is_found_by_anybody_unless_it_opted_out(api):
    one, tag = await team(api), secrets.token_hex(4)
    await api.good("PATCH", one.path, {"name": f"Opera {tag}"}, who=one.leader)
    page = await api.good("GET", one.path)
    assert (page["name"], page["listed"], page["role"]) == (f"Opera {tag}", True, None)
    guest, stranger = await api.guest(), await account(api)
    machine = {"X-API-Key": (await api_key(api, await team(api)))["key"]}
    path = "/v1/organisations"

    async def finds(who, headers=None, **query):
        answer = await api.request(
            "GET", path, who=who, params={"q": tag, **query}, headers=headers or {}
        )
        assert answer.status == 200, answer.raw
        return [item["id"] for item in answer.body["items"]]

    for who in (None, guest, stranger, one.staff, api.admin):
        assert await finds(who) == [one.id]
        assert await finds(who, listed="true") == [one.id]
        assert await finds(who, listed="false") == []
        assert (await api.good("GET", one.path, who=who))["id"] == one.id
    assert await finds(None, machine) == [one.id]
    # So nobody needs to be told an id to ask.
    (found,) = await finds(stranger)
    await api.good("POST", f"{path}/{found}/join-requests", {}, who=stranger)
    hidden = await api.good("PATCH", one.path, {"listed": False}, who=one.leader)
    assert hidden["listed"] is False
    for who in (None, guest, stranger):
        assert await finds(who) == []
    assert await finds(None, machine) == []
    for who in (one.staff, api.admin):
        assert await finds(who) == [one.id]
        assert await finds(who, listed="true") == []
        assert await finds(who, listed="false") == [one.id]
    assert (await api.good("GET", one.path))["listed"] is False
    listed = await api.good("GET", f"{path}?limit=200&listed=true", who=stranger)
    assert listed["items"]
    assert one.id not in [item["id"] for item in listed["items"]]
    assert (await api.good("GET", path, who=stranger))["items"] == []
    assert (await api.good("GET", f"{path}?limit=1"))["items"] != []
    answer = await api.request("GET", f"{path}?listed=maybe")
    assert check_problem(answer, 422)["errors"][0]["field"] == "listed"
