"""Invitations and announcements: what organisations send by mail."""

import asyncio
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any, NamedTuple

import pytest

from tests.contract.client import WAIT_S, Api, Json, Person, check_problem
from tests.contract.conftest import PAGE
from tests.contract.process import Server
from tests.contract.teams import (
    Team,
    account,
    api_key,
    booked,
    by_machine,
    organisation,
    sale_of,
    team,
)
from tests.contract.test_accounts import new_email, person, registered
from tests.contract.test_mails import VERIFY
from tests.contract.test_mails import code_of as mail_code
from tests.post_office import PostOffice, text_of

INVITED = "You are invited"


@pytest.fixture
async def api(mailing: Server) -> AsyncIterator[Api]:
    async with Api(mailing) as api:
        yield api


async def invite(api: Api, one: Team, **fields: Any) -> Json:
    body = {"email": new_email(), "role": "staff"} | fields
    answer = await api.good("POST", f"{one.path}/invitations", body, who=one.leader)
    assert isinstance(answer, dict)
    return answer


def code_of(mail: EmailMessage) -> str:
    (code,) = re.findall(rf"{PAGE}#invitation=([\w-]+)", text_of(mail))
    return str(code)


class Invited(NamedTuple):
    """Somebody who has an account under the invited address."""

    who: Person
    email: str
    confirm: str
    """The code that confirms the address."""


async def invited(api: Api, office: PostOffice) -> Invited:
    made = await registered(api)
    mail = await office.mail_to(made["email"], VERIFY)
    return Invited(person(made), made["email"], mail_code(mail, "verify"))


async def confirm(api: Api, one: Invited) -> None:
    await api.good("POST", "/v1/auth/email/verify", {"code": one.confirm})


async def test_whoever_reads_the_mail_becomes_a_member(api, office, mailing):
    one, (who, email, _) = await team(api), (cleo := await invited(api, office))
    made = await invite(api, one, email=email, role="leader")
    assert (made["state"], made["role"]) == ("pending", "leader")
    mail = await office.mail_to(email, INVITED)
    code = code_of(mail)
    # By whom, to what, and as what.
    said = " ".join(text_of(mail).split())
    assert "invites you to the organisation “Theatre”" in said
    assert "as a leader." in said
    path = f"/v1/invitations/{code}"
    offer = await api.good("GET", path, who=who)
    assert offer["organisation"] == {"id": one.id, "name": "Theatre"}
    assert offer["role"] == "leader"
    check_problem(await api.get(path), 401)
    await confirm(api, cleo)
    body = await api.good("POST", f"{path}/accept", who=who)
    assert body == {"organisation": one.id, "user": who.id, "role": "leader"}
    assert await api.good("POST", f"{path}/accept", who=who) == body
    for answer in ("accept", "decline"):
        refused = await api.request("POST", f"{path}/{answer}", who=await account(api))
        assert check_problem(refused, 404)["code"] == "invitation_not_found"
    shown = await api.good("GET", f"{one.path}/invitations/{made['id']}", who=one.owner)
    assert shown["state"] == "accepted"
    assert shown["answered_at"] is not None
    await api.good("PATCH", one.path, {"name": "x"}, who=who)
    assert code not in mailing.log()
    assert email not in mailing.log()


async def test_nobody_accepts_but_whoever_has_confirmed_the_address(api, office):
    one, cleo, bert = (
        await team(api),
        await invited(api, office),
        await invited(api, office),
    )
    await confirm(api, bert)
    await invite(api, one, email=cleo.email.upper())
    code = code_of(await office.mail_to(cleo.email, INVITED))
    path = f"/v1/invitations/{code}/accept"
    told = []
    for who in (bert.who, one.owner, cleo.who):
        problem = check_problem(await api.request("POST", path, who=who), 403)
        assert problem["code"] == "forbidden"
        assert cleo.email not in problem["detail"].lower()
        told.append(problem["detail"])
    assert told[0] == told[1] != told[2]
    await confirm(api, cleo)
    assert (await api.good("POST", path, who=cleo.who))["role"] == "staff"


async def test_an_invitation_is_declined_withdrawn_and_replaced(api, office):
    one, who = await team(api), await account(api)
    made = await invite(api, one)
    code = code_of(await office.mail_to(made["email"], INVITED))
    await api.good("POST", f"/v1/invitations/{code}/decline", who=who)
    refused = await api.request("POST", f"/v1/invitations/{code}/accept", who=who)
    assert check_problem(refused, 404)["code"] == "invitation_not_found"
    seen = len(office.mails)
    second = await invite(api, one, email=made["email"])
    code = code_of(await office.mail_to(made["email"], INVITED, seen))
    third = await invite(api, one, email=made["email"].upper())
    check_problem(await api.get(f"/v1/invitations/{code}", who), 404)
    path = f"{one.path}/invitations"
    await api.good("DELETE", f"{path}/{third['id']}", who=one.owner)
    listed = await api.good("GET", path, who=one.owner)
    assert [(m["id"], m["state"]) for m in listed["items"]] == [
        (third["id"], "withdrawn"),
        (second["id"], "withdrawn"),
        (made["id"], "declined"),
    ]
    pending = await api.good("GET", f"{path}?state=pending", who=one.owner)
    assert pending["items"] == []
    body = {"email": "no address"}
    refused = await api.request("POST", path, body, who=one.owner)
    assert check_problem(refused, 422)["errors"][0]["field"] == "email"


async def test_whoever_asked_to_join_hears_of_the_answer(api, office):
    one = await team(api)
    for answer in ("accept", "decline"):
        made = await registered(api)
        path = f"{one.path}/join-requests"
        asked = await api.good("POST", path, {}, who=person(made))
        body: Json | None = {} if answer == "accept" else None
        await api.good("POST", f"{path}/{asked['id']}/{answer}", body, who=one.leader)
        word = {"accept": "accepted", "decline": "declined"}[answer]
        await office.mail_to(made["email"], f"Your request was {word}")


async def sent(api: Api, one: Team, **body: Any) -> Json:
    """Announce something, and wait until all its mails are sent."""
    path = f"{one.path}/announcements"
    made = await api.good("POST", path, body, who=one.leader)
    assert made["state"] in ("writing", "sending", "done")
    async with asyncio.timeout(2 * WAIT_S):
        while True:
            shown = await api.good("GET", f"{path}/{made['id']}", who=one.staff)
            assert isinstance(shown, dict)
            if shown["state"] == "done":
                return shown
            await asyncio.sleep(0.05)


async def test_ticket_holders_are_told_once_each(api, office):
    one = await team(api)
    event = await sale_of(api, one, name="Hamlet")
    buyers = [await registered(api) for _ in range(3)]
    await booked(api, event, await api.guest())
    for buyer in (buyers[0], buyers[1], buyers[0]):
        await booked(api, event, person(buyer))
    last = await booked(api, event, person(buyers[2]))
    await api.ok(event, person(buyers[2]), "cancel", booking=last["booking"])
    subject = "Doors open at eight"
    body = {"audience": "ticket_holders", "event": event, "subject": subject}
    shown = await sent(api, one, body="Please come early.", **body)
    assert shown["counts"] == {
        "recipients": 2,
        "waiting": 0,
        "sent": 2,
        "failed": 0,
        "without_email": 1,
    }
    told = [mail for mail in office.mails if mail["Subject"] == subject]
    assert {mail["To"] for mail in told} == {buyers[0]["email"], buyers[1]["email"]}
    assert len(told) == 2
    text = text_of(told[0])
    assert text.startswith("Please come early.")
    assert "Theatre" in text
    assert "Hamlet" in text


async def test_members_are_told(api, office):
    one = await team(api)
    shown = await sent(
        api, one, audience="members", subject="Meeting on Monday", body="At ten."
    )
    assert shown["counts"]["sent"] == 3
    told = [mail for mail in office.mails if mail["Subject"] == "Meeting on Monday"]
    assert len({mail["To"] for mail in told}) == len(told) == 3


WRONG: list[tuple[Json, str]] = [
    ({"event": "evt"}, "event"),
    ({"audience": "ticket_holders"}, "event"),
    ({"audience": "ticket_holders", "event": "none"}, "event"),
    ({"audience": "everybody"}, "audience"),
    ({"subject": "two\r\nBcc: a@b.cd"}, "subject"),
    ({"subject": "one\n"}, "subject"),
    ({"body": ""}, "body"),
]


async def test_a_wrong_announcement_is_refused_with_the_field_named(api):
    who = await account(api)
    path = f"/v1/organisations/{await organisation(api, who)}/announcements"
    for fields, field in WRONG:
        body = {"audience": "members", "subject": "Hello", "body": "You"} | fields
        answer = await api.request("POST", path, body, who=who)
        assert check_problem(answer, 422)["errors"][0]["field"] == field, fields


async def test_ticket_holders_of_others_are_not_told(api):
    one, other = await team(api), await team(api)
    body = {
        "audience": "ticket_holders",
        "event": await sale_of(api, other),
        "subject": "Hello",
        "body": "You",
    }
    answer = await api.request(
        "POST", f"{one.path}/announcements", body, who=one.leader
    )
    assert check_problem(answer, 422)["errors"][0]["field"] == "event"


async def test_an_announcement_is_edited_and_deleted_by_who_leads(api):
    one = await team(api)
    made = await sent(api, one, audience="members", subject="Monday", body="At ten.")
    assert made["body"] == "At ten."
    path = f"{one.path}/announcements/{made['id']}"
    edited = await api.good("PATCH", path, {"body": "At nine."}, who=one.leader)
    assert edited["edited_at"] is not None
    assert edited == made | {"body": "At nine.", "edited_at": edited["edited_at"]}
    assert await api.good("GET", path, who=one.staff) == edited
    for body, field in (({"subject": ""}, "subject"), ({"audience": "x"}, "audience")):
        answer = await api.request("PATCH", path, body, who=one.leader)
        assert check_problem(answer, 422)["errors"][0]["field"] == field
    for method in ("PATCH", "DELETE"):
        answer = await api.request(method, path, {"body": "No."}, who=one.staff)
        assert check_problem(answer, 403)["code"] == "forbidden"
    assert (await api.request("DELETE", path, who=one.leader)).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        answer = await api.request(method, path, {}, who=one.leader)
        assert check_problem(answer, 404)["code"] == "announcement_not_found"
    listed = await api.good("GET", f"{one.path}/announcements", who=one.staff)
    assert listed["items"] == []


async def test_announcements_are_read_by_machines_and_by_whom_they_are_for(api):
    one = await team(api)
    event = await sale_of(api, one)
    guest, member, stranger = await api.guest(), one.staff, await account(api)
    booking = (await booked(api, event, guest))["booking"]
    await sent(api, one, audience="members", subject="Us", body="At ten.")
    body = {"audience": "ticket_holders", "event": event, "subject": "You"}
    made = await sent(api, one, body="At eight.", **body)
    path = f"{one.path}/announcements"
    mine = "/v1/me/announcements"

    async def subjects(who, path=path):
        page = await api.good("GET", path, who=who)
        return [item["subject"] for item in page["items"]]

    assert await subjects(member) == ["You", "Us"]
    assert await subjects(guest) == ["You"]
    assert [await subjects(who, mine) for who in (member, guest, stranger)] == [
        ["Us"],
        ["You"],
        [],
    ]
    shown = await api.good("GET", f"{path}/{made['id']}", who=guest)
    hidden = dict.fromkeys(("created_by", "state", "counts"))
    assert shown == made | hidden
    for wanted in (path, f"{path}/{made['id']}"):
        answer = await api.request("GET", wanted, who=stranger)
        assert check_problem(answer, 403)["code"] == "forbidden"
    key = (await api_key(api, one, ["members:read"]))["key"]
    answer = await by_machine(api, key, "GET", f"{path}/{made['id']}")
    assert (answer.status, answer.body) == (200, made)
    key = (await api_key(api, one, ["events:read"]))["key"]
    for strange in (key, (await api_key(api, await team(api)))["key"]):
        answer = await by_machine(api, strange, "GET", path)
        assert check_problem(answer, 403)["code"] == "forbidden"
    await api.ok(event, guest, "cancel", booking=booking)
    answer = await api.request("GET", path, who=guest)
    assert check_problem(answer, 403)["code"] == "forbidden"
