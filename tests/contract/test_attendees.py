"""Registrations over REST: once for an address, listed, cancelled."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.client import Answer, Api, Json, Person, after, check_problem
from tests.contract.conftest import PAGE
from tests.contract.process import Server
from tests.contract.teams import account, api_key, by_machine, draft_of, sale_of, team
from tests.contract.test_accounts import new_email
from tests.post_office import text_of

REGISTERED = "You are registered"


@pytest.fixture
async def api(mailing: Server) -> AsyncIterator[Api]:
    async with Api(mailing) as api:
        yield api


async def talk(api: Api, capacity: int = 20, **fields: Any) -> str:
    return await api.sale(None, capacity=capacity, registration="open", **fields)


async def register(
    api: Api, event: str, who: Person | None, email: str = "", **headers: str
) -> Answer:
    body = {"email": email or new_email(), "name": "Olga Öst"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/v1/events/{event}/attendees"
    return await api.request("POST", path, body, who=who, headers=named)


async def good(api: Api, event: str, who: Person, email: str = "") -> Json:
    answer = await register(api, event, who, email)
    assert answer.status == 201, answer.body
    assert answer.headers["location"].endswith(answer.body["id"])
    assert isinstance(answer.body, dict)
    return answer.body


async def refused(answer: Answer, status: int, code: str) -> None:
    assert check_problem(answer, status)["code"] == code


async def test_who_registers_is_told_what_where_and_when_as_they_read(api, office):
    """In the browser's language, by the event's clock, with a file and the ticket."""
    event, email = (
        await talk(api, name="Vortrag", timezone="Europe/Berlin"),
        new_email(),
    )
    german = {"Accept_Language": "fr;q=0.2, de-AT"}
    made = await register(api, event, await api.guest(), email, **german)
    assert made.status == 201
    mail = await office.mail_to(email, "Sie sind angemeldet: Vortrag")
    text = text_of(mail)
    assert "(Europe/Berlin)" in text
    assert made.body["reference"] in text
    calendar, ticket = mail.iter_attachments()
    assert calendar.get_content_type() == "text/calendar"
    assert "SUMMARY:Vortrag" in calendar.get_content()
    assert ticket.get_content_type() == "application/pdf"
    assert ticket.get_content().startswith(b"%PDF-")


async def test_an_address_registers_once(api, office):
    event, email = await talk(api), new_email()
    guest, other = await api.guest(), await account(api)
    made = await good(api, event, guest, email.title())
    assert (made["status"], made["email"], made["name"]) == (
        "registered",
        email.title(),
        "Olga Öst",
    )
    assert (await api.event(event))["counts"]["booked"] == 1
    for who in (guest, other):
        again = await register(api, event, who, email.upper())
        await refused(again, 409, "already_registered")
    mail = await office.mail_to(email, REGISTERED)
    assert made["reference"] in text_of(mail)
    assert (await good(api, await talk(api), other, email))["email"] == email
    await refused(await register(api, event, None), 401, "unauthenticated")
    await refused(await register(api, event, guest, "no address"), 422, "bad_field")
    await api.audit(event)


async def test_of_a_crowd_as_many_register_as_there_are_places(api):
    event, email = await talk(api, 4), new_email()
    guests = await api.guests(4)
    crowd = [register(api, event, guests[n % 4]) for n in range(8)]
    twins = [register(api, event, one, email) for one in guests]
    answers = await asyncio.gather(*crowd, *twins)
    codes = [answer.body.get("code") for answer in answers]
    assert codes.count(None) == 4
    assert set(codes) == {None, "not_enough_seats", "already_registered"} or set(
        codes
    ) == {None, "not_enough_seats"}
    assert sum(answer.status == 201 for answer in answers[8:]) <= 1
    counts = (await api.event(event))["counts"]
    assert (counts["booked"], counts["free"]) == (4, 0)
    await api.audit(event)


async def test_the_same_request_again_gets_the_same_registration(api):
    event, guest, email = await talk(api, 1), await api.guest(), new_email()
    first = await register(api, event, guest, email, Idempotency_Key="once")
    again = await register(api, event, guest, email, Idempotency_Key="once")
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    other = await register(api, event, guest, new_email(), Idempotency_Key="once")
    await refused(other, 422, "key_reused")
    late = await register(api, event, guest, Idempotency_Key="later")
    await refused(late, 409, "not_enough_seats")


async def test_only_events_that_say_so_take_registrations(api):
    guest = await api.guest()
    closed = await api.sale(None, capacity=5)
    await refused(await register(api, closed, guest), 409, "registration_closed")
    paid = await talk(api, payment="required")
    await refused(await register(api, paid, guest), 402, "payment_required")
    one = await team(api)
    draft = await draft_of(api, one, registration="open")
    await refused(await register(api, draft, guest), 404, "event_not_found")
    await refused(await register(api, draft, one.leader), 409, "sale_not_open")
    body = {"name": "x", "starts_at": after(days=9), "registration": "open"}
    seated = body | {"venue": await api.venue("small")}
    answer = await api.request("POST", "/v1/events", seated, who=api.admin)
    await refused(answer, 422, "bad_field")


async def test_whoever_runs_an_event_sees_who_comes(api):
    one = await team(api)
    event = await sale_of(api, one, registration="open")
    guest, email = await api.guest(), new_email()
    made = [await good(api, event, guest), await good(api, event, guest, email)]
    path = f"/v1/events/{event}/attendees"

    async def ids(**params: str) -> list[str]:
        found = await api.good("GET", path, who=one.staff, params=params)
        return [item["id"] for item in found["items"]]

    assert await ids() == [made[1]["id"], made[0]["id"]]
    assert await ids(q=email.upper()) == [made[1]["id"]]
    assert await ids(q=made[0]["reference"].lower()) == [made[0]["id"]]
    gone = f"{path}/{made[0]['id']}/cancel"
    check_problem(await api.request("POST", gone, who=one.staff), 403)
    check_problem(await api.request("POST", gone, who=await account(api)), 404)
    body = await api.good("POST", gone, who=one.leader)
    assert (body["status"], body["cancelled_at"] is None) == ("cancelled", False)
    assert await api.good("POST", gone, who=one.leader) == body
    assert await ids(status="cancelled") == [made[0]["id"]]
    page = await api.good("GET", f"{path}?limit=1", who=one.owner)
    assert page["next_cursor"] is not None
    key = (await api_key(api, one, ["bookings:read"]))["key"]
    assert len((await by_machine(api, key, "GET", path)).body["items"]) == 2
    check_problem(await api.get(path, guest), 403)
    # They are the event's bookings, too.
    found = await api.good(
        "GET", f"/v1/events/{event}/bookings?q={email}", who=one.staff
    )
    (booking,) = found["items"]
    assert booking["id"] == made[1]["booking"]
    assert booking["buyer"]["email"] == email


async def test_who_registered_sees_and_cancels_it(api):
    event = await talk(api, 1)
    who, other = await account(api), await account(api)
    made = await good(api, event, who)
    path = f"/v1/events/{event}/attendees/{made['id']}"
    assert await api.good("GET", path, who=who) == made
    mine = await api.good("GET", "/v1/me/registrations", who=who)
    assert mine["items"] == [made]
    check_problem(await api.get(path, other), 404)
    check_problem(await api.get(path.replace(event, await talk(api)), who), 404)
    body = await api.good("POST", f"{path}/cancel", who=who)
    assert body["status"] == "cancelled"
    assert (await good(api, event, other, made["email"]))["status"] == "registered"


async def test_whoever_reads_the_mail_cancels(api, office):
    event, email = await talk(api, 1), new_email()
    await good(api, event, await api.guest(), email)
    mail = await office.mail_to(email, REGISTERED)
    (code,) = re.findall(rf"{PAGE}#registration=([\w-]+)", text_of(mail))
    path = "/v1/attendees/cancel"
    wrong = await api.request("POST", path, {"code": f"{code}x"})
    await refused(wrong, 409, "code_invalid")
    body = await api.good("POST", path, {"code": code})
    assert body["status"] == "cancelled"
    counts = (await api.event(event))["counts"]
    assert counts == {"free": 1, "held": 0, "booked": 0, "blocked": 0}


async def test_after_the_deadline_nobody_cancels_with_a_code(api, office):
    event, email = await talk(api, starts_at=after(hours=20)), new_email()
    made = await good(api, event, await api.guest(), email)
    mail = await office.mail_to(email, REGISTERED)
    (code,) = re.findall(rf"{PAGE}#registration=([\w-]+)", text_of(mail))
    answer = await api.request("POST", "/v1/attendees/cancel", {"code": code})
    await refused(answer, 409, "cancel_too_late")
    path = f"/v1/events/{event}/attendees/{made['id']}"
    assert (await api.good("POST", f"{path}/cancel", who=api.admin))["status"] == (
        "cancelled"
    )
