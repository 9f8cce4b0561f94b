"""What people run themselves, and what administrators see and do for them."""

import asyncio

from tests.contract.client import check_problem
from tests.contract.teams import account, draft_of, organizer, own_venue, team

TRIES = 600


async def ids(api, path, who):
    """Return the ids of a list, with what it counts."""
    page = await api.good(
        "GET", path, who=who, params={"count": "true", "limit": "200"}
    )
    assert page["total"] == len(page["items"])
    return {one["id"] for one in page["items"]}


async def test_members_see_what_their_organisation_runs_and_makers_what_is_theirs(api):
    one, other, maker = await team(api), await team(api), await organizer(api)
    event, venue = await draft_of(api, one), await own_venue(api, one)
    body = {"name": "Mine", "capacity": 5, "starts_at": "2030-01-01T20:00:00Z"}
    mine = (await api.good("POST", "/v1/events", body, who=maker))["id"]
    for who in (one.owner, one.leader, one.staff):
        assert await ids(api, "/v1/me/events", who) == {event}
        assert await ids(api, "/v1/me/venues", who) == {venue.rpartition("/")[2]}
    assert await ids(api, "/v1/me/events", maker) == {mine}
    for who in (other.owner, await account(api)):
        assert await ids(api, "/v1/me/events", who) == set()
        assert await ids(api, "/v1/me/venues", who) == set()


async def test_leaders_see_who_did_what_about_their_organisation_alone(api):
    one, other = await team(api), await team(api)
    path = f"{one.path}/members/{one.staff.id}"
    await api.good("PATCH", path, {"role": "leader"}, who=one.owner)
    await api.good("PATCH", other.path, {"name": "Other"}, who=other.owner)
    wanted = (
        one.owner.id,
        "PATCH",
        "/v1/organisations/{organisation}/members/{member}",
    )
    told = []
    for _ in range(TRIES):
        page = await api.good("GET", f"{one.path}/activity", who=one.leader)
        told = [(row["actor"], row["method"], row["route"]) for row in page["items"]]
        if wanted in told:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError(told)
    assert {row["objects"]["organisation"] for row in page["items"]} == {one.id}
    assert all("address" not in row for row in page["items"])
    of_leader = await api.good(
        "GET", f"{one.path}/activity", who=one.leader, params={"actor": one.leader.id}
    )
    assert {row["actor"] for row in of_leader["items"]} <= {one.leader.id}
    check_problem(await api.get(f"{one.path}/activity", other.owner), 403)


async def test_who_is_signed_out_by_an_administrator_signs_in_again(api):
    who = await account(api)
    await api.good("GET", "/v1/me", who=who)
    path = f"/v1/users/{who.id}/sign-out"
    check_problem(await api.request("POST", path, who=who), 403)
    await api.good("POST", path, who=api.admin)
    check_problem(await api.get("/v1/me", who), 401)
    missing = "/v1/users/usr_nobody/sign-out"
    check_problem(await api.request("POST", missing, who=api.admin), 404)
