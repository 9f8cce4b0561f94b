"""Doing again what is done already: 200 with the same document, over REST everywhere.

Every POST and DELETE is in one of the tables: those that lead somewhere are done twice,
and of the others it is said why they are not the same thing twice.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple

import pytest

from server.app import ROUTES
from tests.contract.client import Api, Person, check_problem
from tests.contract.conftest import PAGE
from tests.contract.process import Server
from tests.contract.teams import (
    Team,
    account,
    api_key,
    booked,
    draft_of,
    hook_of,
    offered,
    ordered,
    own_venue,
    sale_of,
    team,
)
from tests.contract.test_accounts import PASSWORD
from tests.contract.test_attendees import REGISTERED, register
from tests.contract.test_images import send as send_image
from tests.contract.test_invitations import (
    INVITED,
    confirm,
    invite,
    invited,
)
from tests.contract.test_invitations import code_of as invitation_code
from tests.pictures import picture
from tests.post_office import PostOffice, text_of

MADE_ANEW: Final = "makes something each time, but under one Idempotency-Key"
CODE: Final = "a code is good once"
SIGN_IN: Final = "begins or ends a session, and its token is over then"
EACH_TIME: Final = "does its work each time"

OTHERS: Final[dict[str, str]] = {
    "create_guest": SIGN_IN,
    "log_in": SIGN_IN,
    "refresh": SIGN_IN,
    "log_out": SIGN_IN,
    "log_out_everywhere": SIGN_IN,
    "change_password": SIGN_IN,
    "delete_me": SIGN_IN,
    "register": MADE_ANEW,
    "verify_email": CODE,
    "reset_password": CODE,
    "resend_code": EACH_TIME,
    "forgot_password": EACH_TIME,
    "move_event": EACH_TIME,
    "clear_caches": EACH_TIME,
    "run_job": EACH_TIME,
    "run_command": "is the websocket's, which has keys for that",
    "create_organisation": MADE_ANEW,
    "create_invitation": MADE_ANEW,
    "create_api_key": MADE_ANEW,
    "rotate_api_key": MADE_ANEW,
    "create_announcement": MADE_ANEW,
    "create_venue": MADE_ANEW,
    "duplicate_venue": MADE_ANEW,
    "create_event": MADE_ANEW,
    "create_user": MADE_ANEW,
    "create_person": MADE_ANEW,
    "duplicate_event": MADE_ANEW,
    "upload_image": MADE_ANEW,
    "create_order": "a hold has one order, and is told of it each time",
    "quote_order": "changes nothing, and tells what the hold costs each time",
    "hold_at_counter": "holds more each time, but once under one Idempotency-Key",
    "extend_at_counter": "is a command, which has keys for that",
    "release_at_counter": "is a command, which has keys for that",
    "quote_at_counter": "changes nothing",
    "order_at_counter": "a hold has one order: tests of the counter try it",
    "pay_order": "begins an attempt each time, but one under one Idempotency-Key",
    "look_up_order": EACH_TIME,
    "open_order": "gives a token each time; a mailed code is good once",
    "preview_refund": "changes nothing",
    "preview_venue": "makes nothing",
    "create_refund": "a line goes once; tests of giving back try it with a key, too",
    "draw_line": "tests of draws try it: it needs a list that is closed",
    "restart_line": "names the draw that it gives up: tests of draws try it twice",
    "retry_refund": "tests of giving back try it: it needs a refund that failed",
    "note_refund": "tests of giving back try it: it needs a refund that failed",
    "offer_ticket": MADE_ANEW,
    "accept_transfer": "has a code of a mail: tests of transfers try it",
    "reissue_ticket": "names the generation that it replaces: tests of tickets try it",
    "add_ticket_key": "adds none where one waits: tests of tickets try it",
    "create_checkin_list": MADE_ANEW,
    "create_promotion": MADE_ANEW,
    "create_hook": MADE_ANEW,
    "start_rehearsal": MADE_ANEW,
    "say_to_line": MADE_ANEW,
    "rotate_hook": MADE_ANEW,
    "test_hook": "sends something each time, but once under one Idempotency-Key",
    "replay_hook": "sends it each time, but once under one Idempotency-Key",
    "replay_delivery": "sends it each time, but once under one Idempotency-Key",
    "ask_support": MADE_ANEW,
    "say_in_room": MADE_ANEW,
    "silence_member": "lasts from each time on",
    "replay_row": "what waits or was sent is left as it is: tests of the outbox try it",
    "add_promotion_codes": "adds codes each time, but the same under one key",
    "check_code": "changes nothing, and tells what the code does each time",
    "scan_ticket": "has a nonce, which gets one answer: tests of check-in try it",
    "upload_scans": "has a nonce for each: tests of check-in try it",
    "undo_scan": "undoes a nonce once, and says so again: tests of check-in try it",
    "take_payment_webhook": "is the provider's, whose messages have ids for that",
    "open_place": "gives a token each time",
    "create_attendee": "an address registers once: already_registered",
}


class Step(NamedTuple):
    """A call, who makes it, and what both answers are."""

    path: str
    who: Person | None
    body: object = None
    statuses: tuple[int, int] = (200, 200)
    later: str | None = None
    """What of the answers follows the journal, a moment later."""


GONE: Final = (204, 404)
NOTHING: Final = (204, 204)


class World(NamedTuple):
    """Where a step is taken."""

    api: Api
    one: Team
    office: PostOffice


Make = Callable[[World], Awaitable[Step]]


def sale_step(step: str, *before: str) -> Make:
    async def make(world: World) -> Step:
        who = world.one.leader
        path = f"/v1/events/{await draft_of(world.api, world.one)}"
        for verb in before:
            await world.api.good("POST", f"{path}/{verb}", who=who)
        return Step(f"{path}/{step}", who)

    return make


async def scheduled(world: World) -> Step:
    soon = {"starts_at": "2999-01-02T00:00:00Z", "on_sale_at": "2999-01-01T00:00:00Z"}
    event = await draft_of(world.api, world.one, **soon)
    return Step(f"/v1/events/{event}/publish", world.one.leader)


async def booking(world: World) -> Step:
    event, who = await sale_of(world.api, world.one), await world.api.guest()
    made = await booked(world.api, event, who)
    return Step(f"/v1/bookings/{made['booking']}/cancel", who)


async def managed_booking(world: World) -> Step:
    made = await booking(world)
    return Step(made.path, world.one.owner)


async def order(world: World) -> Step:
    event, who = await sale_of(world.api, world.one), await world.api.guest()
    path = f"/v1/orders/{await ordered(world.api, event, who)}"
    return Step(f"{path}/cancel", who, later="tickets")


async def attendee(world: World) -> Step:
    event = await sale_of(world.api, world.one, registration="open")
    who = await world.api.guest()
    made = await register(world.api, event, who)
    return Step(f"/v1/events/{event}/attendees/{made.body['id']}/cancel", who)


async def attendee_by_code(world: World) -> Step:
    event = await sale_of(world.api, world.one, registration="open")
    made = await register(world.api, event, await world.api.guest())
    mail = await world.office.mail_to(made.body["email"], REGISTERED)
    (code,) = re.findall(rf"{PAGE}#registration=([\w-]+)", text_of(mail))
    return Step("/v1/attendees/cancel", None, {"code": code})


async def invitation(world: World, answer: str, statuses: tuple[int, int]) -> Step:
    cleo = await invited(world.api, world.office)
    await confirm(world.api, cleo)
    await invite(world.api, world.one, email=cleo.email)
    mail = await world.office.mail_to(cleo.email, INVITED)
    path = f"/v1/invitations/{invitation_code(mail)}/{answer}"
    return Step(path, cleo.who, statuses=statuses)


async def accepted_invitation(world: World) -> Step:
    return await invitation(world, "accept", (200, 200))


async def declined_invitation(world: World) -> Step:
    return await invitation(world, "decline", NOTHING)


async def withdrawn_invitation(world: World) -> Step:
    made = await invite(world.api, world.one)
    path = f"{world.one.path}/invitations/{made['id']}"
    return Step(path, world.one.leader, statuses=GONE)


async def asked(world: World) -> Step:
    path = f"{world.one.path}/join-requests"
    return Step(path, await account(world.api), {"message": "Me?"}, (201, 200))


async def join_request(world: World) -> tuple[str, Person]:
    step = await asked(world)
    made = await world.api.good("POST", step.path, step.body, who=step.who)
    assert step.who is not None
    return f"{step.path}/{made['id']}", step.who


async def accepted_request(world: World) -> Step:
    path, _ = await join_request(world)
    return Step(f"{path}/accept", world.one.leader, {"role": "staff"})


async def declined_request(world: World) -> Step:
    path, _ = await join_request(world)
    return Step(f"{path}/decline", world.one.leader)


async def withdrawn_request(world: World) -> Step:
    return Step(*await join_request(world), statuses=GONE)


async def given_away(world: World) -> Step:
    one = world.one
    return Step(f"{one.path}/transfer", one.owner, {"user": one.staff.id})


async def ended_organisation(world: World) -> Step:
    return Step(world.one.path, world.one.owner, statuses=GONE)


async def removed_member(world: World) -> Step:
    path = f"{world.one.path}/members/{world.one.staff.id}"
    return Step(path, world.one.owner, statuses=GONE)


async def revoked_key(world: World) -> Step:
    made = await api_key(world.api, world.one)
    path = f"{world.one.path}/api-keys/{made['id']}"
    return Step(path, world.one.owner, statuses=NOTHING)


async def ended_session(world: World) -> Step:
    who = await account(world.api)
    email = (await world.api.good("GET", "/v1/me", who=who))["email"]
    # Another one of the same person, so that the first may be ended twice.
    other = await world.api.login(email, PASSWORD)
    page = await world.api.good("GET", "/v1/auth/sessions", who=who)
    (ended,) = [item["id"] for item in page["items"] if not item["current"]]
    assert other.status == 200
    return Step(f"/v1/auth/sessions/{ended}", who, statuses=GONE)


async def deleted_event(world: World) -> Step:
    event = await draft_of(world.api, world.one)
    return Step(f"/v1/events/{event}", world.one.leader, statuses=NOTHING)


async def deleted_venue(world: World) -> Step:
    path = await own_venue(world.api, world.one)
    return Step(path, world.one.leader, statuses=NOTHING)


async def hidden_image(world: World) -> Step:
    event, who = await sale_of(world.api, world.one), world.one.leader
    sent = await send_image(world.api, event, picture("PNG", (8, 8)), who)
    assert sent.status == 200
    return Step(f"/v1/events/{event}/image", who, statuses=NOTHING)


async def deleted_user(world: World) -> Step:
    path = f"/v1/users/{(await account(world.api)).id}"
    return Step(path, world.api.admin, statuses=GONE)


async def signed_out_user(world: World) -> Step:
    path = f"/v1/users/{(await account(world.api)).id}/sign-out"
    return Step(path, world.api.admin, statuses=NOTHING)


async def deleted_announcement(world: World) -> Step:
    path, who = f"{world.one.path}/announcements", world.one.leader
    told = {"audience": "members", "subject": "News", "body": "Well."}
    made = await world.api.good("POST", path, told, who=who)
    return Step(f"{path}/{made['id']}", who, statuses=GONE)


async def deleted_person(world: World) -> Step:
    who = world.one.leader
    new = {"email": "comer@example.org", "name": "Comer", "organisation": world.one.id}
    made = await world.api.good("POST", "/v1/attendees", new, who=who)
    return Step(f"/v1/attendees/{made['id']}", who, statuses=GONE)


async def deleted_promotion(world: World) -> Step:
    who = world.one.leader
    path = f"/v1/events/{await draft_of(world.api, world.one)}/promotions"
    rules = {"name": "Early birds", "percent_ppm": 100_000}
    made = await world.api.good("POST", path, rules, who=who)
    return Step(f"{path}/{made['id']}", who, statuses=GONE)


async def deleted_rehearsal(world: World) -> Step:
    who = world.one.leader
    path = f"/v1/events/{await draft_of(world.api, world.one)}/rehearsals"
    made = await world.api.good("POST", path, {"people": 1}, who=who)
    return Step(f"{path}/{made['rehearsal']}", who, statuses=GONE)


async def waiting(world: World) -> Step:
    event = await sale_of(world.api, world.one)
    path = f"/v1/events/{event}/line/entries"
    return Step(path, await world.api.guest(), {"wish": {"quantity": 1}}, (201, 200))


async def left_line(world: World) -> Step:
    made = await waiting(world)
    await world.api.good("POST", made.path, made.body, who=made.who)
    return Step(f"{made.path}/me", made.who)


def line_step(step: str, *before: str) -> Make:
    async def make(world: World) -> Step:
        who = world.one.leader
        path = f"/v1/events/{await sale_of(world.api, world.one)}/line"
        for verb in before:
            await world.api.good("POST", f"{path}/{verb}", who=who)
        return Step(f"{path}/{step}", who)

    return make


def message_step(tail: str, body: object, statuses: tuple[int, int]) -> Make:
    async def make(world: World) -> Step:
        who = world.one.leader
        path = f"/v1/rooms/event:{await sale_of(world.api, world.one)}/messages"
        made = await world.api.good("POST", path, {"text": "Hello"}, who=who)
        return Step(f"{path}/{made['seq']}{tail}", who, body, statuses)

    return make


async def deleted_hook(world: World) -> Step:
    path = await hook_of(world.api, world.one)
    return Step(path, world.one.leader, statuses=GONE)


async def withdrawn_offer(world: World) -> Step:
    return Step(*await offered(world.api, world.one))


async def notices(world: World) -> Step:
    return Step("/v1/notices/read", world.one.staff, {})


async def bounces(world: World) -> Step:
    """Report the second of one address: the third would stop it."""
    path, admin = "/v1/mail/bounces", world.api.admin
    email = (await world.api.good("GET", "/v1/me", who=world.one.staff))["email"]
    first, second = (
        {"bounces": [{"email": email, "kind": "hard", "id": f"<{name}@mail.example>"}]}
        for name in ("1", "2")
    )
    await world.api.good("POST", path, first, who=admin)
    return Step(path, admin, second)


STEPS: Final[dict[str, tuple[Make, ...]]] = {
    "join_line": (waiting,),
    "leave_line": (left_line,),
    "open_line": (line_step("open"),),
    "pause_line": (line_step("pause", "open"),),
    "resume_line": (line_step("resume", "open", "pause"),),
    "close_line": (line_step("close", "open"),),
    "delete_user": (deleted_user,),
    "sign_user_out": (signed_out_user,),
    "delete_announcement": (deleted_announcement,),
    "delete_person": (deleted_person,),
    "publish_event": (sale_step("publish"), scheduled),
    "pause_event": (sale_step("pause", "publish"),),
    "resume_event": (sale_step("resume", "publish", "pause"),),
    "close_event": (sale_step("close", "publish"),),
    "cancel_event": (sale_step("cancel"), sale_step("cancel", "publish", "close")),
    "cancel_booking": (booking, managed_booking),
    "cancel_order": (order,),
    "cancel_attendee": (attendee,),
    "cancel_registration": (attendee_by_code,),
    "accept_invitation": (accepted_invitation,),
    "decline_invitation": (declined_invitation,),
    "withdraw_invitation": (withdrawn_invitation,),
    "create_join_request": (asked,),
    "accept_join_request": (accepted_request,),
    "decline_join_request": (declined_request,),
    "withdraw_join_request": (withdrawn_request,),
    "transfer_organisation": (given_away,),
    "delete_organisation": (ended_organisation,),
    "remove_member": (removed_member,),
    "revoke_api_key": (revoked_key,),
    "end_session": (ended_session,),
    "delete_event": (deleted_event,),
    "delete_image": (hidden_image,),
    "delete_venue": (deleted_venue,),
    "delete_promotion": (deleted_promotion,),
    "delete_hook": (deleted_hook,),
    "delete_rehearsal": (deleted_rehearsal,),
    "withdraw_transfer": (withdrawn_offer,),
    "delete_message": (message_step("", None, NOTHING),),
    "report_message": (message_step("/report", {"reason": "No"}, NOTHING),),
    "show_message": (message_step("/show", None, (200, 200)),),
    "remove_message": (message_step("/remove", None, (200, 200)),),
    "read_notices": (notices,),
    "report_bounces": (bounces,),
}
METHODS: Final = {route.name: route.method for route in ROUTES}
TRIED: Final = [(name, make) for name, makes in STEPS.items() for make in makes]


@pytest.fixture
async def api(mailing: Server) -> AsyncIterator[Api]:
    async with Api(mailing) as api:
        yield api


def test_every_call_that_may_be_made_twice_is_thought_of():
    stepping = {route.name for route in ROUTES if route.method in ("POST", "DELETE")}
    assert stepping == set(STEPS) | set(OTHERS)
    assert not set(STEPS) & set(OTHERS)


@pytest.mark.parametrize(("name", "make"), TRIED)
async def test_what_is_done_is_answered_like_its_doing(api, office, name, make):
    step = await make(World(api, await team(api), office))
    answers = [
        await api.request(METHODS[name], step.path, step.body, who=step.who)
        for _ in range(2)
    ]
    assert tuple(answer.status for answer in answers) == step.statuses, answers
    if step.statuses != GONE:
        if step.later is not None:
            for answer in answers:
                del answer.body[step.later]
        assert answers[1].body == answers[0].body


async def test_another_answer_than_the_one_that_was_given_is_refused(api, office):
    world = World(api, await team(api), office)
    path, _ = await join_request(world)
    await api.good("POST", f"{path}/decline", who=world.one.leader)
    body = {"role": "staff"}
    late = await api.request("POST", f"{path}/accept", body, who=world.one.leader)
    assert check_problem(late, 404)["code"] == "request_not_found"
    page = await api.good("GET", f"{world.one.path}/members", who=world.one.owner)
    assert len(page["items"]) == 3


async def test_who_leads_gives_nothing_away(api):
    one = await team(api)
    for body in ({"user": one.staff.id}, {"user": "usr_none"}, {"x": 1}, {}):
        answer = await api.request("POST", f"{one.path}/transfer", body, who=one.leader)
        assert check_problem(answer, 403)["code"] == "forbidden"


async def test_a_deleted_event_is_answered_alike_over_rest_and_sockets(api):
    one = await team(api)
    event = await sale_of(api, one)
    await api.good("DELETE", f"/v1/events/{event}", who=one.leader)
    buyer = await api.guest()
    commands = (
        {"op": "hold", "areas": {"GA": 1}},
        {"op": "hold_best", "quantity": 1},
        {"op": "book", "hold": "h"},
        {"op": "holding"},
        {"op": "cancel", "booking": "b"},
        {"op": "block", "areas": {"GA": 1}},
    )
    for who in (buyer, one.leader):
        async with await api.socket(who) as socket:
            await socket.refused("event_not_found", "watch", event=event)
            check_problem(await api.get(f"/v1/events/{event}", who), 404)
            for command in commands:
                told = await socket.ask(event=event, **command)
                path = f"/v1/events/{event}/commands"
                answer = await api.request("POST", path, command, who=who)
                problem = check_problem(answer)
                mine = command["op"] != "block" or who is not buyer
                code = "event_not_found" if mine else "forbidden"
                assert (told["code"], problem["code"]) == (code, code), command
