"""`If-Match`: nobody overwrites what somebody else has edited meanwhile.

Every call that changes or deletes something is tried. What it is about is really there,
because a refusal that does nothing looks like one that never came to looking.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import pytest

from server.app import ROUTES
from tests.contract.client import Answer, Api, Json, Person, check_problem
from tests.contract.teams import (
    Team,
    account,
    api_key,
    draft_of,
    hook_of,
    join,
    offered,
    own_venue,
    sale_of,
    team,
)
from tests.contract.test_images import send as send_image
from tests.contract.test_invitations import invite
from tests.contract.test_line import ranked
from tests.pictures import picture

TAG: Final = re.compile(r'"([0-9]+)-([^"]+)"')
CONDITIONAL: Final = ("PATCH", "PUT", "DELETE")


class Case(NamedTuple):
    """One call that edits something: who calls what, and where its tag is read."""

    path: str
    who: Person
    body: object = None
    read: str | None = None
    """Without one, nothing of it can be edited, or no read shows it alone."""


Make = Callable[[Api, Team], Awaitable[Case]]


async def member(api: Api, one: Team, body: object) -> Case:
    return Case(f"{one.path}/members/{one.staff.id}", one.owner, body)


async def edited_member(api: Api, one: Team) -> Case:
    return await member(api, one, {"role": "leader"})


async def removed_member(api: Api, one: Team) -> Case:
    return await member(api, one, None)


async def profile(api: Api, one: Team, body: object) -> Case:
    return Case("/v1/me", await account(api), body, "/v1/me")


async def edited_profile(api: Api, one: Team) -> Case:
    return await profile(api, one, {"name": "Another"})


async def deleted_profile(api: Api, one: Team) -> Case:
    return await profile(api, one, None)


async def user(api: Api, one: Team) -> Case:
    path = f"/v1/users/{(await account(api)).id}"
    return Case(path, api.admin, {"role": "organizer"}, path)


async def edited_organisation(api: Api, one: Team) -> Case:
    return Case(one.path, one.leader, {"name": "Another"}, one.path)


async def deleted_organisation(api: Api, one: Team) -> Case:
    return Case(one.path, one.owner, None, one.path)


async def invitation(api: Api, one: Team) -> Case:
    path = f"{one.path}/invitations/{(await invite(api, one))['id']}"
    return Case(path, one.leader, None, path)


async def join_request(api: Api, one: Team) -> Case:
    who = await account(api)
    made = await api.good("POST", f"{one.path}/join-requests", {}, who=who)
    path = f"{one.path}/join-requests/{made['id']}"
    return Case(path, who, None, path)


async def machine(api: Api, one: Team) -> Case:
    path = f"{one.path}/api-keys/{(await api_key(api, one))['id']}"
    return Case(path, one.owner, None, path)


async def session(api: Api, one: Team) -> Case:
    who = await account(api)
    (item,) = (await api.good("GET", "/v1/auth/sessions", who=who))["items"]
    return Case(f"/v1/auth/sessions/{item['id']}", who)


async def edited_event(api: Api, one: Team) -> Case:
    path = f"/v1/events/{await sale_of(api, one)}"
    return Case(path, one.leader, {"name": "Another", "description": "It is."}, path)


async def deleted_event(api: Api, one: Team) -> Case:
    path = f"/v1/events/{await draft_of(api, one)}"
    return Case(path, one.leader, None, path)


async def upload(api: Api, event: str, who: Person) -> Answer:
    return await send_image(api, event, picture("PNG", (8, 8)), who)


async def event_image(api: Api, one: Team) -> Case:
    event = await sale_of(api, one)
    assert (await upload(api, event, who=one.leader)).status == 200
    path = f"/v1/events/{event}"
    return Case(f"{path}/image", one.leader, None, path)


async def edited_venue(api: Api, one: Team) -> Case:
    path = await own_venue(api, one)
    return Case(path, one.leader, {"address": "Another 1"}, path)


async def deleted_venue(api: Api, one: Team) -> Case:
    path = await own_venue(api, one)
    return Case(path, one.leader, None, path)


async def announcement(api: Api, one: Team, body: object) -> Case:
    path, told = f"{one.path}/announcements", {"subject": "News", "body": "Well."}
    made = await api.good("POST", path, {"audience": "members", **told}, who=one.leader)
    return Case(f"{path}/{made['id']}", one.leader, body, f"{path}/{made['id']}")


async def edited_announcement(api: Api, one: Team) -> Case:
    return await announcement(api, one, {"subject": "Other news"})


async def deleted_announcement(api: Api, one: Team) -> Case:
    return await announcement(api, one, None)


async def deleted_user(api: Api, one: Team) -> Case:
    path = f"/v1/users/{(await account(api)).id}"
    return Case(path, api.admin, None, path)


async def person(api: Api, one: Team) -> Case:
    who = {"email": "comer@example.org", "name": "Comer", "organisation": one.id}
    made = await api.good("POST", "/v1/attendees", who, who=one.leader)
    path = f"/v1/attendees/{made['id']}"
    return Case(path, one.leader, None, path)


async def checkin_list(api: Api, one: Team) -> Case:
    path = f"/v1/events/{await sale_of(api, one)}/checkin/lists/main"
    return Case(path, one.leader, {"name": "Door"}, path)


async def promotion(api: Api, one: Team, body: object) -> Case:
    path = f"/v1/events/{await sale_of(api, one)}/promotions"
    rules = {"name": "Early birds", "percent_ppm": 100_000}
    made = await api.good("POST", path, rules, who=one.leader)
    return Case(f"{path}/{made['id']}", one.leader, body, f"{path}/{made['id']}")


async def edited_promotion(api: Api, one: Team) -> Case:
    return await promotion(api, one, {"limit": 7})


async def deleted_promotion(api: Api, one: Team) -> Case:
    return await promotion(api, one, None)


async def deleted_rehearsal(api: Api, one: Team) -> Case:
    # Nothing of it is read: it may be over meanwhile, which edits nothing.
    path = f"/v1/events/{await sale_of(api, one)}/rehearsals"
    made = await api.good("POST", path, {"people": 1}, who=one.leader)
    return Case(f"{path}/{made['rehearsal']}", one.leader, None, None)


async def line(api: Api, one: Team) -> Case:
    path = f"/v1/events/{await sale_of(api, one)}/line"
    await api.good("POST", f"{path}/open", who=one.leader)
    return Case(path, one.leader, {"offer_s": 60}, path)


async def place(api: Api, one: Team, body: object) -> Case:
    """A place that was offered nothing, once it has its rank."""
    event, who = await sale_of(api, one, capacity=1), await api.guest()
    await api.ok(event, await api.guest(), "hold", areas={"GA": 1})
    path = f"/v1/events/{event}/line/entries"
    await api.good("POST", path, {"wish": {"quantity": 1}}, who=who)
    await ranked(api, event, who)
    return Case(f"{path}/me", who, body, f"{path}/me")


async def edited_place(api: Api, one: Team) -> Case:
    return await place(api, one, {"wish": {"quantity": 2}})


async def left_place(api: Api, one: Team) -> Case:
    return await place(api, one, None)


async def hook(api: Api, one: Team, body: object) -> Case:
    path = await hook_of(api, one)
    return Case(path, one.leader, body, path)


async def edited_hook(api: Api, one: Team) -> Case:
    return await hook(api, one, {"description": "The till."})


async def deleted_hook(api: Api, one: Team) -> Case:
    return await hook(api, one, None)


async def room(api: Api, one: Team) -> Case:
    path = f"/v1/rooms/event:{await sale_of(api, one)}"
    return Case(path, one.leader, {"slow_s": 5}, path)


async def message(api: Api, one: Team, body: object) -> Case:
    path = f"/v1/rooms/event:{await sale_of(api, one)}/messages"
    await api.good("POST", path, {"text": "Hello"}, who=one.leader)
    return Case(f"{path}/1", one.leader, body, f"{path}/1")


async def edited_message(api: Api, one: Team) -> Case:
    return await message(api, one, {"text": "Hello!"})


async def deleted_message(api: Api, one: Team) -> Case:
    return await message(api, one, None)


async def transfer(api: Api, one: Team) -> Case:
    path, who = await offered(api, one)
    return Case(path, who, None, path)


CASES: Final[dict[str, Make]] = {
    "edit_announcement": edited_announcement,
    "delete_announcement": deleted_announcement,
    "delete_user": deleted_user,
    "delete_person": person,
    "end_session": session,
    "edit_me": edited_profile,
    "delete_me": deleted_profile,
    "edit_user": user,
    "edit_organisation": edited_organisation,
    "delete_organisation": deleted_organisation,
    "edit_member": edited_member,
    "remove_member": removed_member,
    "withdraw_invitation": invitation,
    "withdraw_join_request": join_request,
    "revoke_api_key": machine,
    "edit_event": edited_event,
    "delete_event": deleted_event,
    "delete_image": event_image,
    "edit_venue": edited_venue,
    "delete_venue": deleted_venue,
    "edit_checkin_list": checkin_list,
    "change_line": line,
    "change_place": edited_place,
    "leave_line": left_place,
    "edit_promotion": edited_promotion,
    "delete_promotion": deleted_promotion,
    "delete_rehearsal": deleted_rehearsal,
    "edit_hook": edited_hook,
    "delete_hook": deleted_hook,
    "withdraw_transfer": transfer,
    "edit_room": room,
    "edit_message": edited_message,
    "delete_message": deleted_message,
}
METHODS: Final = {route.name: route.method for route in ROUTES}


def test_every_call_that_edits_or_deletes_is_tried():
    editing = {route.name for route in ROUTES if route.method in CONDITIONAL}
    assert editing == set(CASES)


async def send(api: Api, name: str, case: Case, if_match: str) -> Answer:
    return await api.request(
        METHODS[name],
        case.path,
        case.body,
        who=case.who,
        headers={"If-Match": if_match},
    )


def content_of(answer: Answer) -> Json:
    """Return a document without what goes on by itself: a sending, a forecast."""
    told = {"state", "counts", "outlook"}
    return {name: value for name, value in answer.body.items() if name not in told}


def revision_of(answer: Answer) -> str:
    return answer.headers["etag"].strip('"').partition("-")[0]


async def tag_of(api: Api, path: str, who: Person) -> tuple[str, str]:
    """Return the revision and the digest of what is read."""
    answer = await api.get(path, who)
    found = TAG.fullmatch(answer.headers["etag"])
    assert found is not None, answer.headers["etag"]
    return found[1], found[2]


@pytest.mark.parametrize("name", CASES)
async def test_what_was_edited_meanwhile_is_left_alone(api, name):
    case = await CASES[name](api, await team(api))
    before = None if case.read is None else await api.get(case.read, case.who)
    for stale in ('"4711-0"', 'W/"4711-0", "4712-0"', '"gone"', "4711", '"0"', ""):
        answer = await send(api, name, case, stale)
        assert check_problem(answer, 412)["code"] == "precondition_failed"
    if before is not None and case.read is not None:
        after = await api.get(case.read, case.who)
        assert [content_of(after), revision_of(after)] == [
            content_of(before),
            revision_of(before),
        ]


FORMS: Final = ('W/"{}-other"', '"9-x", "{}-x"', "*")
SEEN: Final = [(name, '"{}-x"') for name in CASES] + [
    (name, form) for name in ("edit_event", "delete_event") for form in FORMS
]


@pytest.mark.parametrize(("name", "form"), SEEN)
async def test_what_is_as_it_was_seen_is_edited(api, name, form):
    case = await CASES[name](api, await team(api))
    revision = "0"
    if case.read is not None:
        revision, _ = await tag_of(api, case.read, case.who)
    answer = await send(api, name, case, form.format(revision))
    assert answer.status in (200, 204), answer.body
    if answer.status == 200:
        # What was seen is not what is there now, and the answer says what is.
        again = await send(api, name, case, f'"{revision}-0"')
        assert check_problem(again, 412)["code"] == "precondition_failed"
        if case.read is not None:
            shown = await api.get(case.read, case.who)
            assert revision_of(answer) == revision_of(shown)
            assert content_of(answer) == content_of(shown)


async def test_who_buys_meanwhile_is_in_nobodys_way(api):
    one = await team(api)
    event = await sale_of(api, one)
    path = f"/v1/events/{event}"
    revision, digest = await tag_of(api, path, one.leader)
    tag = (await api.get(path, one.leader)).headers["etag"]
    await api.ok(event, await api.guest(), "hold", areas={"GA": 2})
    await api.good("POST", f"{path}/pause", who=one.leader)
    after, other = await tag_of(api, path, one.leader)
    assert (after, other != digest) == (revision, True)
    assert (await api.get(path, one.leader, if_none_match=tag)).status == 200
    case = Case(path, one.leader, {"max_per_user": 3})
    answer = await send(api, "edit_event", case, tag)
    assert (answer.status, answer.body["max_per_user"]) == (200, 3)


@pytest.mark.parametrize(
    "body", [{"name": "Night"}, {"description": "Long."}, {"prices": {}}]
)
async def test_an_edit_that_changes_nothing_more_is_no_revision(api, body):
    one = await team(api)
    path = f"/v1/events/{await draft_of(api, one)}"
    await api.good("PATCH", path, body, who=one.leader)
    revision, _ = await tag_of(api, path, one.leader)
    await api.good("PATCH", path, body, who=one.leader)
    assert (await tag_of(api, path, one.leader))[0] == revision


async def test_what_the_catalogue_tells_and_the_image_count_too(api):
    one = await team(api)
    event = await draft_of(api, one)
    path = f"/v1/events/{event}"
    seen = [int((await tag_of(api, path, one.leader))[0])]
    for body in ({"tags": ["x"]}, {"category": "Jazz"}, {"name": "Night"}):
        await api.good("PATCH", path, body, who=one.leader)
        seen.append(int((await tag_of(api, path, one.leader))[0]))
    assert (await upload(api, event, who=one.leader)).status == 200
    seen.append(int((await tag_of(api, path, one.leader))[0]))
    assert seen == sorted(set(seen))
    edits: tuple[Json, ...] = ({"name": "A"}, {"tags": []}, {"name": "A", "tags": []})
    for old in seen[:-1]:
        for body in edits:
            case = Case(path, one.leader, body)
            answer = await send(api, "edit_event", case, f'"{old}-0"')
            assert check_problem(answer, 412)["code"] == "precondition_failed"
    shown = await api.event(event)
    assert (shown["name"], shown["tags"]) == ("Night", ["x"])


SETTINGS: Final = (
    {"name": "Night"},
    {"max_per_user": 3},
    {"hold_ttl_s": 60},
    {"waitlist": False},
    {"name": "Day", "description": "Bright."},
)
CATALOGUE: Final = ({"description": "Long."}, {"tags": ["x"]}, {"category": "Jazz"})


@pytest.mark.parametrize("bodies", [SETTINGS, CATALOGUE], ids=["settings", "catalogue"])
async def test_of_those_who_saw_the_same_event_one_edits_it(api, bodies):
    one = await team(api)
    path = f"/v1/events/{await draft_of(api, one)}"
    tag = (await api.get(path, one.leader)).headers["etag"]

    async def edit(body: Any) -> Answer:
        return await send(api, "edit_event", Case(path, one.leader, body), tag)

    # At several processes, where the server has them: each connection is its own.
    answers = await asyncio.gather(*(edit(body) for body in bodies * 3))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200, *[412] * (len(answers) - 1)]
    (done,) = [answer for answer in answers if answer.status == 200]
    shown = await api.get(path, one.leader)
    assert shown.headers["etag"] == done.headers["etag"]


@pytest.mark.parametrize(
    "name", ["edit_organisation", "edit_me", "edit_user", "edit_venue"]
)
async def test_of_those_who_saw_the_same_row_one_edits_it(api, name):
    case = await CASES[name](api, await team(api))
    assert case.read is not None
    tag = (await api.get(case.read, case.who)).headers["etag"]
    answers = await asyncio.gather(*(send(api, name, case, tag) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [200, *[412] * 7]


async def test_a_member_is_edited_as_the_answer_showed_it(api):
    one, who = await team(api), await account(api)
    await join(api, one.path, one.owner, who, "staff")
    path = f"{one.path}/members/{who.id}"
    first = await send(
        api, "edit_member", Case(path, one.owner, {"role": "leader"}), "*"
    )
    tag = first.headers["etag"]
    second = await send(
        api, "edit_member", Case(path, one.owner, {"role": "staff"}), tag
    )
    assert second.status == 200
    gone = await send(api, "remove_member", Case(path, one.owner), tag)
    assert check_problem(gone, 412)["code"] == "precondition_failed"
    gone = await send(
        api, "remove_member", Case(path, one.owner), second.headers["etag"]
    )
    assert gone.status == 204


async def test_a_retry_under_its_key_is_not_refused_for_what_it_did_itself(api):
    one = await team(api)
    path = f"/v1/events/{await draft_of(api, one)}"
    tag = (await api.get(path, one.leader)).headers["etag"]
    headers = {"If-Match": tag, "Idempotency-Key": "once"}
    for body in ({"name": "Night"}, {"description": "Long."}):
        key = {**headers, "Idempotency-Key": f"once {list(body)}"}
        first = await api.request("PATCH", path, body, who=one.leader, headers=key)
        again = await api.request("PATCH", path, body, who=one.leader, headers=key)
        assert (first.status, again.status) == (200, 200), again.body
        headers["If-Match"] = again.headers["etag"]


async def test_every_read_of_json_has_a_tag_of_that_form(api):
    one = await team(api)
    event = await sale_of(api, one)
    names = {"event": event, "organisation": one.id}
    for route in ROUTES:
        places = set(re.findall(r"\{(\w+)\}", route.path))
        if not route.cached or not places <= set(names):
            continue
        path = re.sub(r"\{(\w+)\}", lambda found: names[found[1]], route.path)
        answer = await api.get(path, one.owner)
        if answer.status == 200:
            assert TAG.fullmatch(answer.headers["etag"].removeprefix("W/")), path
            known = await api.get(path, one.owner, if_none_match=answer.headers["etag"])
            assert known.status in (200, 304)
