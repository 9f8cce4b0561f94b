"""Organisations: their members, their keys, and the events that they manage."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from tests.contract import charts
from tests.contract.client import Api, Json, Person, after, check_problem
from tests.contract.teams import (
    Team,
    account,
    api_key,
    booked,
    by_machine,
    draft_of,
    join,
    organisation,
    organizer,
    sale_of,
    team,
)

GONE_S_MAX = 60.0
"""How long a socket may believe in somebody who was removed."""


async def refused(api, method, path, body=None, who=None, *, code, **headers):
    """Send what must be refused with this code."""
    answer = await api.request(method, path, body, who=who, headers=headers)
    assert check_problem(answer)["code"] == code, (method, path, answer.raw)


async def soon(check: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so."""
    async with asyncio.timeout(GONE_S_MAX):
        while not await check():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def roles(api: Api, made: Team, who: Person | None = None) -> dict[str, str]:
    body = await api.good("GET", f"{made.path}/members", who=who or made.owner)
    return {one["user"]: one["role"] for one in body["items"]}


async def test_anybody_with_an_account_makes_an_organisation(api):
    who = await account(api)
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"name": "Theatre", "description": "Plays"}
    path = "/v1/organisations"
    answer = await api.request("POST", path, body, who=who, headers=headers)
    assert answer.status == 201
    made = answer.body
    assert (made["name"], made["description"], made["role"]) == (
        "Theatre",
        "Plays",
        "owner",
    )
    assert answer.headers["location"] == f"/v1/organisations/{made['id']}"
    again = await api.request("POST", path, body, who=who, headers=headers)
    assert again.body == made
    body["name"] = "Another"
    answer = await api.request("POST", path, body, who=who, headers=headers)
    assert check_problem(answer, 422)["code"] == "key_reused"
    listed = await api.good("GET", path, who=who)
    assert listed == {"items": [made], "next_cursor": None}
    shown = await api.get(answer_path := f"{path}/{made['id']}", who)
    assert shown.body == made
    unchanged = await api.get(answer_path, who, if_none_match=shown.headers["etag"])
    assert unchanged.status == 304
    edited = await api.good("PATCH", answer_path, {"description": ""}, who=who)
    assert edited == made | {"description": ""}
    stranger = await account(api)
    assert (await api.good("GET", answer_path, who=stranger))["role"] is None
    assert (await api.good("GET", path, who=stranger))["items"] == []
    await refused(api, "GET", f"{path}/none", who=who, code="organisation_not_found")
    assert (await api.good("GET", f"{path}?limit=1", who=api.admin))["items"]


async def test_members_are_listed_in_pages_and_addresses_are_for_leaders(api):
    one = await team(api)
    assert await roles(api, one) == {
        one.owner.id: "owner",
        one.leader.id: "leader",
        one.staff.id: "staff",
    }
    path = f"{one.path}/members?limit=2"
    first = await api.good("GET", path, who=one.staff)
    path = f"{path}&cursor={first['next_cursor']}"
    second = await api.good("GET", path, who=one.staff)
    assert second["next_cursor"] is None
    members = first["items"] + second["items"]
    assert [m["user"] for m in members] == [one.owner.id, one.leader.id, one.staff.id]
    assert [m["email"] is None for m in members] == [True, True, False]
    led = await api.good("GET", f"{one.path}/members", who=one.leader)
    assert all(m["email"].endswith("@example.org") for m in led["items"])


async def test_a_leader_disposes_of_what_is_not_above_a_leader(api):
    one = await team(api)
    members = f"{one.path}/members"
    owner, staff = f"{members}/{one.owner.id}", f"{members}/{one.staff.id}"
    await refused(api, "PATCH", owner, {"role": "staff"}, one.leader, code="forbidden")
    await refused(api, "PATCH", staff, {"role": "owner"}, one.leader, code="forbidden")
    await refused(api, "DELETE", owner, who=one.leader, code="forbidden")
    await refused(api, "DELETE", owner, who=one.staff, code="forbidden")
    body = await api.good("PATCH", staff, {"role": "leader"}, who=one.leader)
    assert (body["user"], body["role"]) == (one.staff.id, "leader")
    await refused(
        api,
        "PATCH",
        f"{members}/none",
        {"role": "staff"},
        one.leader,
        code="member_not_found",
    )
    await api.good("DELETE", staff, who=one.leader)
    assert one.staff.id not in await roles(api, one)
    await refused(api, "GET", members, who=one.staff, code="forbidden")


async def test_the_last_owner_stays_until_there_is_another(api):
    one = await team(api)
    me = f"{one.path}/members/me"
    await refused(api, "DELETE", me, who=one.owner, code="last_owner")
    await refused(api, "PATCH", me, {"role": "staff"}, one.owner, code="last_owner")
    await refused(api, "DELETE", "/v1/me", who=one.owner, code="last_owner")
    assert (await api.get("/v1/me", one.owner)).status == 200
    path = f"{one.path}/transfer"
    await refused(
        api, "POST", path, {"user": "none"}, one.owner, code="member_not_found"
    )
    body = await api.good("POST", path, {"user": one.staff.id}, who=one.owner)
    assert body["role"] == "leader"
    assert await roles(api, one) == {
        one.owner.id: "leader",
        one.leader.id: "leader",
        one.staff.id: "owner",
    }
    await refused(
        api, "POST", path, {"user": one.leader.id}, one.owner, code="forbidden"
    )
    await api.good("DELETE", me, who=one.owner)
    await api.good("DELETE", "/v1/me", who=one.leader)
    assert await roles(api, one, one.staff) == {one.staff.id: "owner"}


async def test_of_two_owners_who_leave_at_once_one_stays(api):
    one = await team(api)
    path = f"{one.path}/members/{one.leader.id}"
    await api.good("PATCH", path, {"role": "owner"}, who=one.owner)
    me = f"{one.path}/members/me"
    answers = await asyncio.gather(
        *(api.request("DELETE", me, who=who) for who in (one.owner, one.leader))
    )
    assert sorted(answer.status for answer in answers) == [204, 409]
    left = one.owner if answers[0].status == 409 else one.leader
    assert (await roles(api, one, left))[left.id] == "owner"


async def test_whoever_asks_to_join_is_accepted_or_declined_by_a_leader(api):
    one, who = await team(api), await account(api)
    path = f"{one.path}/join-requests"
    asked = await api.good("POST", path, {"message": "Hello"}, who=who)
    assert (asked["state"], asked["message"]) == ("pending", "Hello")
    assert await api.good("POST", path, {}, who=who) == asked
    await refused(api, "POST", path, {}, one.staff, code="already_member")
    request = f"{path}/{asked['id']}"
    for seer in (who, one.leader):
        assert await api.good("GET", request, who=seer) == asked
    await refused(api, "GET", request, who=one.staff, code="request_not_found")
    mine = await api.good("GET", "/v1/me/join-requests", who=who)
    assert mine["items"] == [asked]
    pending = await api.good("GET", f"{path}?state=pending", who=one.leader)
    assert pending["items"] == [asked]
    await refused(api, "GET", f"{path}?state=x", who=one.leader, code="bad_field")
    await refused(api, "POST", f"{request}/accept", {}, who, code="forbidden")
    body = await api.good("POST", f"{request}/decline", who=one.leader)
    assert body["state"] == "declined"
    await refused(
        api, "POST", f"{request}/accept", {}, one.leader, code="request_not_found"
    )
    again = await api.good("POST", path, {}, who=who)
    await api.good("DELETE", f"{path}/{again['id']}", who=who)
    await join(api, one.path, one.leader, who, "staff")
    assert (await roles(api, one))[who.id] == "staff"


async def test_an_organisation_ends_when_nothing_is_left_to_care_for(api):
    one = await team(api)
    event = await sale_of(api, one)
    await refused(api, "DELETE", one.path, who=one.leader, code="forbidden")
    await refused(api, "DELETE", one.path, who=one.owner, code="organisation_in_use")
    key = (await api_key(api, one))["key"]
    await api.good("DELETE", f"/v1/events/{event}", who=one.leader)
    await api.good("DELETE", one.path, who=one.owner)
    await refused(api, "GET", one.path, who=one.owner, code="organisation_not_found")
    await refused(
        api, "GET", "/v1/events", code="unauthenticated", **{"X-API-Key": key}
    )
    await api.good("DELETE", "/v1/me", who=one.owner)


async def test_leaders_and_owners_manage_events_and_organisers_are_strangers(api):
    one, stranger, buyer = await team(api), await organizer(api), await account(api)
    event = await sale_of(api, one)
    path = f"/v1/events/{event}"
    for who in (stranger, buyer, one.staff):
        for method, tail, body in (
            ("PATCH", "", {"name": "Mine"}),
            ("DELETE", "", None),
            ("POST", "/pause", None),
            ("GET", "/journal", None),
            ("GET", "/audit", None),
            ("POST", "/commands", {"op": "block", "areas": {"GA": 1}}),
        ):
            await refused(api, method, path + tail, body, who, code="forbidden")
    for who in (one.leader, one.owner, api.admin):
        await api.good("PATCH", path, {"name": "Tonight"}, who=who)
        await api.good("GET", f"{path}/journal", who=who)
        await api.ok(event, who, "block", areas={"GA": 1})
        await api.ok(event, who, "unblock", areas={"GA": 1})
    assert (await api.good("GET", path))["organisation"] == one.id


async def test_an_event_of_no_organisation_is_run_by_who_made_it(api):
    maker, other, one = await organizer(api), await organizer(api), await team(api)
    body = {"name": "Free", "capacity": 10, "starts_at": after(days=30)}
    event = (await api.good("POST", "/v1/events", body, who=maker))["id"]
    path = f"/v1/events/{event}"
    await api.good("POST", f"{path}/publish", who=maker)
    guest = await api.guest()
    booking = await booked(api, event, guest)
    rename, block = {"name": "Mine"}, {"op": "block", "areas": {"GA": 1}}
    for who in (other, one.owner, await account(api)):
        for method, tail, sent in (
            ("PATCH", "", rename),
            ("DELETE", "", None),
            ("POST", "/pause", None),
            ("POST", "/cancel", None),
            ("POST", "/duplicate", {}),
            ("DELETE", "/image", None),
            ("GET", "/journal", None),
            ("GET", "/audit", None),
            ("GET", "/bookings", None),
            ("GET", "/attendees", None),
            ("GET", "/analytics", None),
            ("POST", "/commands", block),
        ):
            await refused(api, method, path + tail, sent, who, code="forbidden")
        show = f"/v1/bookings/{booking['booking']}"
        await refused(api, "GET", show, None, who, code="booking_not_found")
        cancel = f"{show}/cancel"
        await refused(api, "POST", cancel, None, who, code="booking_not_found")
        async with await api.socket(who) as socket:
            for op in ("block", "unblock"):
                await socket.refused("forbidden", op, event=event, areas={"GA": 1})
    for who in (maker, api.admin):
        await api.good("PATCH", path, {"name": "Tonight"}, who=who)
        for tail in ("/journal", "/audit", "/bookings", "/attendees", "/analytics"):
            await api.good("GET", path + tail, who=who)
        async with await api.socket(who) as socket:
            await socket.ok("block", event=event, areas={"GA": 1})
            await socket.ok("unblock", event=event, areas={"GA": 1})
    copy = await api.good("POST", f"{path}/duplicate", who=maker)
    assert copy["organisation"] is None
    await refused(
        api, "GET", f"/v1/events/{copy['id']}", None, other, code="event_not_found"
    )
    await api.good("POST", f"/v1/bookings/{booking['booking']}/cancel", who=maker)


async def test_events_are_made_for_an_organisation_by_who_leads_it(api):
    one, stranger = await team(api), await organizer(api)
    new = {"name": "x", "capacity": 10, "starts_at": after(days=3)}
    path = "/v1/events"
    for who in (one.staff, stranger, await account(api)):
        body = new | {"organisation": one.id}
        await refused(api, "POST", path, body, who, code="forbidden")
    await refused(api, "POST", path, new, one.owner, code="forbidden")
    body = new | {"organisation": "none"}
    await refused(api, "POST", path, body, api.admin, code="bad_field")
    made = await api.good("POST", path, new | {"organisation": one.id}, who=api.admin)
    listed = await api.good("GET", f"{one.path}/events", who=one.staff)
    assert [event["id"] for event in listed["items"]] == [made["id"]]


async def test_venues_are_made_for_an_organisation_by_who_leads_it(api):
    one, other, stranger = await team(api), await team(api), await organizer(api)
    new = {"name": "Hall", "chart": charts.chart([charts.row("A", 3, 10.0)])}
    path, body = "/v1/venues", new | {"organisation": one.id}
    for who in (one.staff, other.owner, stranger, await account(api)):
        await refused(api, "POST", path, body, who, code="forbidden")
    for who in (one.owner, one.leader):
        await refused(api, "POST", path, new, who, code="forbidden")
    none = new | {"organisation": "none"}
    await refused(api, "POST", path, none, one.owner, code="forbidden")
    await refused(api, "POST", path, none, api.admin, code="bad_field")
    assert (await api.good("POST", path, new, who=stranger))["organisation"] is None
    makers = (one.owner, one.leader, api.admin)
    made, *others = [await api.good("POST", path, body, who=who) for who in makers]
    assert {venue["organisation"] for venue in (made, *others)} == {one.id}
    assert await api.good("GET", f"{path}/{made['id']}") == made
    # A place is a place: what is of the organisation is what happens there.
    event = await draft_of(api, other, capacity=None, venue=made["id"])
    change = f"/v1/events/{event}", {"name": "x"}
    await refused(api, "PATCH", *change, one.owner, code="event_not_found")


async def test_a_draft_of_an_organisation_is_seen_by_its_people_only(api):
    one, stranger = await team(api), await organizer(api)
    event = await draft_of(api, one, name=f"Secret {secrets.token_hex(6)}")
    path = f"/v1/events/{event}"
    name = (await api.good("GET", path, who=one.staff))["name"]
    for who in (None, stranger, await account(api), await api.guest()):
        for tail in ("", "/map", "/availability"):
            await refused(api, "GET", path + tail, who=who, code="event_not_found")
    await refused(api, "PATCH", path, {"name": "x"}, stranger, code="event_not_found")
    params = {"q": name}
    for who in (stranger, one.owner, api.admin):
        found = await api.good("GET", "/v1/events", who=who, params=params)
        assert found["items"] == []
    async with await api.socket(stranger) as socket:
        reply = await socket.ask("watch", event=event)
        assert (reply["op"], reply["code"]) == ("refused", "event_not_found")
    async with await api.socket(one.staff) as socket:
        assert (await socket.ask("watch", event=event))["op"] == "ok"
    await api.good("POST", f"{path}/publish", who=one.leader)
    found = await api.good("GET", "/v1/events", params=params)
    assert [one["id"] for one in found["items"]] == [event]


async def test_bookings_are_seen_by_staff_and_by_no_stranger(api):
    one, stranger, buyer = await team(api), await organizer(api), await api.guest()
    event = await sale_of(api, one)
    first, second = [await booked(api, event, buyer) for _ in range(2)]
    path = f"/v1/events/{event}/bookings"
    seen = await api.good("GET", f"{path}?limit=1", who=one.staff)
    (newest,) = seen["items"]
    assert (newest["id"], newest["user"]) == (second["booking"], buyer.id)
    cursor = seen["next_cursor"]
    seen = await api.good("GET", f"{path}?limit=1&cursor={cursor}", who=one.staff)
    assert [one["id"] for one in seen["items"]] == [first["booking"]]
    assert seen["next_cursor"] is None
    text = first["reference"].lower()
    found = await api.good("GET", f"{path}?q={text}", who=one.leader)
    assert [one["id"] for one in found["items"]] == [first["booking"]]
    await refused(api, "GET", path, who=stranger, code="forbidden")
    place = f"/v1/bookings/{first['booking']}"
    assert (await api.get(place, one.staff)).status == 200
    await refused(api, "GET", place, who=stranger, code="booking_not_found")
    # The organiser's power to cancel is the organisation's leaders' alone.
    answer = await api.command(event, one.staff, "cancel", booking=first["booking"])
    assert check_problem(answer)["code"] == "booking_not_found"
    await api.ok(event, one.leader, "cancel", booking=first["booking"])


async def test_whoever_is_removed_has_no_rights_at_once_and_soon_on_a_socket(api):
    one = await team(api)
    event = await sale_of(api, one)
    async with (
        await api.socket(one.leader) as socket,
        await api.socket(one.staff) as other,
    ):
        blocking = {"event": event, "areas": {"GA": 1}}
        assert (await socket.ask("block", **blocking))["op"] == "ok"
        assert (await other.ask("block", **blocking))["code"] == "forbidden"
        await api.good("DELETE", f"{one.path}/members/{one.leader.id}", who=one.owner)
        path = f"/v1/events/{event}"
        await refused(api, "PATCH", path, {"name": "x"}, one.leader, code="forbidden")

        async def is_refused() -> bool:
            reply = await socket.ask("block", **blocking)
            return bool(reply["op"] == "refused")

        await soon(is_refused)
        reply = await socket.ask("block", **blocking)
        assert reply["code"] == "forbidden"
        await api.good(
            "PATCH",
            f"{one.path}/members/{one.staff.id}",
            {"role": "leader"},
            who=one.owner,
        )

        async def is_let_in() -> bool:
            reply = await other.ask("unblock", **blocking)
            return bool(reply["op"] == "ok")

        await soon(is_let_in)


async def test_a_key_is_shown_once_and_does_what_its_scopes_say(api, log_since):
    one = await team(api)
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    path = f"{one.path}/api-keys"
    body = {"name": "Till", "scopes": ["events:write", "events:read"]}
    answer = await api.request("POST", path, body, who=one.leader, headers=headers)
    assert answer.status == 201
    key = answer.body["key"]
    assert key.startswith(answer.body["prefix"] + "_")
    again = await api.request("POST", path, body, who=one.leader, headers=headers)
    assert again.body == answer.body | {"key": None}
    shown = await api.get(f"{path}/{answer.body['id']}", one.leader)
    listed = await api.get(path, one.leader)
    secret = key.removeprefix(answer.body["prefix"]).encode()
    assert secret not in shown.raw + listed.raw
    made = await by_machine(
        api,
        key,
        "POST",
        "/v1/events",
        {"name": "x", "capacity": 10, "starts_at": after(days=3)},
    )
    assert made.body["organisation"] == one.id
    event = f"/v1/events/{made.body['id']}"
    assert (await by_machine(api, key, "GET", event)).status == 200
    assert (await by_machine(api, key, "POST", f"{event}/publish")).status == 200
    commands = f"{event}/commands"
    blocked = {"op": "block", "areas": {"GA": 1}}
    assert (await by_machine(api, key, "POST", commands, blocked)).status == 200
    held = await by_machine(
        api, key, "POST", commands, {"op": "hold", "areas": {"GA": 1}}
    )
    assert check_problem(held)["code"] == "forbidden"
    members = await by_machine(api, key, "GET", f"{one.path}/members")
    assert check_problem(members, 403)["code"] == "forbidden"
    foreign = await sale_of(api, await team(api))
    wrong = await by_machine(api, key, "DELETE", f"/v1/events/{foreign}")
    assert check_problem(wrong, 403)["code"] == "forbidden"
    both = await by_machine(
        api, key, "GET", event, Authorization=f"Bearer {one.owner.token}"
    )
    assert check_problem(both, 400)["code"] == "bad_frame"
    assert secret.decode() not in log_since()


async def test_a_key_is_rotated_and_revoked_and_its_use_is_seen(api):
    one = await team(api)
    first = await api_key(api, one)
    path = f"{one.path}/api-keys/{first['id']}"

    async def is_good(key: str) -> bool:
        answer = await by_machine(api, key, "GET", f"{one.path}/members")
        assert answer.status in (200, 401)
        return answer.status == 200

    async def is_bad(key: str) -> bool:
        return not await is_good(key)

    async def is_seen() -> bool:
        shown = await api.good("GET", path, who=one.owner)
        return shown["last_used_at"] is not None

    assert await is_good(first["key"])
    # An owner made it, so no leader disposes of it.
    await refused(api, "POST", f"{path}/rotate", {}, one.leader, code="forbidden")
    await refused(api, "DELETE", path, who=one.leader, code="forbidden")
    second = await api.good("POST", f"{path}/rotate", {"overlap_s": 600}, who=one.owner)
    assert second["prefix"] == first["prefix"]
    assert await is_good(first["key"])
    assert await is_good(second["key"])
    third = await api.good("POST", f"{path}/rotate", {}, who=one.owner)
    await soon(lambda: is_bad(second["key"]))
    assert not await is_good(first["key"])
    assert await is_good(third["key"])
    await soon(is_seen)
    await api.good("DELETE", path, who=one.owner)
    await soon(lambda: is_bad(third["key"]))
    await refused(api, "POST", f"{path}/rotate", {}, one.owner, code="key_revoked")
    await refused(api, "GET", path, who=one.owner, code="key_not_found")


WRONG_KEYS: list[tuple[Json, str]] = [
    ({"scopes": []}, "scopes"),
    ({"scopes": ["everything"]}, "scopes.0"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": "9999-12-31T23:59:59-10:00"}, "expires_at"),
    ({"name": ""}, "name"),
]


async def test_a_wrong_key_is_refused_with_the_field_named(api):
    who = await account(api)
    path = f"/v1/organisations/{await organisation(api, who)}/api-keys"
    for fields, field in WRONG_KEYS:
        body = {"name": "Till", "scopes": ["events:read"]} | fields
        answer = await api.request("POST", path, body, who=who)
        assert check_problem(answer, 422)["errors"][0]["field"] == field, fields


async def test_an_expired_key_is_good_no_more(api):
    one = await team(api)
    key = (await api_key(api, one, expires_at=after(seconds=1.0)))["key"]

    async def is_over() -> bool:
        answer = await by_machine(api, key, "GET", f"{one.path}/members")
        return answer.status == 401

    await soon(is_over)
