"""Mails to people with an account, and what the codes in them are good for."""

import re
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest

from tests.contract.client import Api, check_problem
from tests.contract.conftest import PAGE
from tests.contract.process import Server
from tests.contract.test_accounts import (
    PASSWORD,
    ends_in_time,
    is_refused_soon,
    new_email,
    person,
    refreshed,
    registered,
)
from tests.post_office import text_of

VERIFY = "Confirm your email address"
RESET = "Choose a new password"


@pytest.fixture
async def api(mailing: Server) -> AsyncIterator[Api]:
    async with Api(mailing) as api:
        yield api


def code_of(mail: EmailMessage, purpose: str) -> str:
    (code,) = re.findall(rf"{PAGE}#{purpose}=([\w-]+)", text_of(mail))
    return str(code)


async def verified(api: Api, code: str) -> int:
    answer = await api.request("POST", "/v1/auth/email/verify", {"code": code})
    if answer.status != 204:
        assert check_problem(answer, 409)["code"] == "code_invalid"
    return answer.status


async def forget(api: Api, email: str) -> object:
    answer = await api.request("POST", "/v1/auth/password/forgot", {"email": email})
    assert answer.status == 202
    return answer.body


async def test_an_address_is_confirmed_with_the_code_that_was_sent_there(api, office):
    made = await registered(api)
    first = code_of(await office.mail_to(made["email"], VERIFY), "verify")
    seen = len(office.mails)
    answer = await api.good("POST", "/v1/auth/email/resend", who=person(made))
    assert answer == {"status": "accepted"}
    second = code_of(await office.mail_to(made["email"], VERIFY, seen), "verify")
    assert await verified(api, first) == 409
    assert await verified(api, second + "x") == 409
    assert await verified(api, second) == 204
    assert await verified(api, second) == 409
    me = await api.good("GET", "/v1/me", who=person(made))
    assert me["email_verified"] is True


async def test_a_forgotten_password_is_replaced_by_whoever_reads_the_mails(api, office):
    made = await registered(api)
    await forget(api, made["email"].upper())
    code = code_of(await office.mail_to(made["email"], RESET), "reset")
    path, new = "/v1/auth/password/reset", "another password"
    short = await api.request("POST", path, {"code": code, "password": "short"})
    check_problem(short, 422)
    async with await api.socket(person(made)) as socket:
        answer = await api.request("POST", path, {"code": code, "password": new})
        assert answer.status == 204
        assert await ends_in_time(socket)
    assert await is_refused_soon(api, person(made))
    check_problem(await refreshed(api, made["refresh_token"]), 401)
    assert (await api.login(made["email"], PASSWORD)).status == 401
    again = await api.login(made["email"], new)
    assert again.status == 200
    me = await api.good("GET", "/v1/me", who=person(again.body))
    assert me["email_verified"] is True
    answer = await api.request("POST", path, {"code": code, "password": "x" * 20})
    assert check_problem(answer, 409)["code"] == "code_invalid"


async def test_who_asks_again_does_not_end_the_code_that_is_being_read(api, office):
    made = await registered(api)
    codes = []
    for _ in range(3):
        seen = len(office.mails)
        await forget(api, made["email"])
        mail = await office.mail_to(made["email"], RESET, seen)
        codes.append(code_of(mail, "reset"))
    path = "/v1/auth/password/reset"
    first, *others = ({"code": code, "password": "another password"} for code in codes)
    assert (await api.request("POST", path, first)).status == 204
    for body in others:
        body["password"] = "a third password"
        answer = await api.request("POST", path, body)
        assert check_problem(answer, 409)["code"] == "code_invalid"


async def test_nobody_learns_who_has_an_account(api):
    known, unknown = (await registered(api))["email"], new_email()
    times, answers = [], []
    for email in (known, unknown):
        began = time.monotonic()
        answers.append(await forget(api, email))
        times.append(time.monotonic() - began)
    assert answers[0] == answers[1]
    # Both take as long as they are made to, and not as long as their work.
    assert min(times) >= 0.29


async def test_a_new_address_takes_the_password_and_both_addresses_hear_of_it(
    api, office
):
    made, new = await registered(api), new_email()
    who = person(made)
    answer = await api.request("PATCH", "/v1/me", {"email": new}, who=who)
    assert check_problem(answer, 422)["errors"][0]["field"] == "current_password"
    body = {"email": new, "current_password": "not that one"}
    answer = await api.request("PATCH", "/v1/me", body, who=who)
    assert check_problem(answer, 403)["code"] == "wrong_password"
    body["current_password"] = PASSWORD
    me = await api.good("PATCH", "/v1/me", body, who=who)
    assert (me["email"], me["pending_email"]) == (made["email"], new)
    assert await api.good("PATCH", "/v1/me", body, who=who) == me
    await office.mail_to(made["email"], "Your email address is to be changed")
    first = code_of(await office.mail_to(new, VERIFY), "verify")
    assert (await api.login(new, PASSWORD)).status == 401
    assert (await api.login(made["email"], PASSWORD)).status == 200
    seen = len(office.mails)
    await api.good("POST", "/v1/auth/email/resend", who=who)
    code = code_of(await office.mail_to(new, VERIFY, seen), "verify")
    assert await verified(api, first) == 409
    assert await verified(api, code) == 204
    await office.mail_to(made["email"], "Your email address was changed")
    me = await api.good("GET", "/v1/me", who=who)
    assert (me["email"], me["email_verified"], me["pending_email"]) == (new, True, None)
    assert (await api.login(made["email"], PASSWORD)).status == 401
    assert (await api.login(new, PASSWORD)).status == 200
    other = await registered(api)
    body["email"] = new.upper()
    answer = await api.request("PATCH", "/v1/me", body, who=person(other))
    assert check_problem(answer, 409)["code"] == "email_taken"


async def test_an_address_that_somebody_took_meanwhile_stays_theirs(api, office):
    made, new = await registered(api), new_email()
    who = person(made)
    body = {"email": new, "current_password": PASSWORD}
    await api.good("PATCH", "/v1/me", body, who=who)
    code = code_of(await office.mail_to(new, VERIFY), "verify")
    faster = {"email": new.title(), "password": PASSWORD, "name": "Bert"}
    await api.good("POST", "/v1/auth/register", faster)
    answer = await api.request("POST", "/v1/auth/email/verify", {"code": code})
    assert check_problem(answer, 409)["code"] == "email_taken"
    # The address of today, in whichever spelling, takes the wish back.
    body["email"] = made["email"].upper()
    me = await api.good("PATCH", "/v1/me", body, who=who)
    assert (me["email"], me["pending_email"]) == (made["email"], None)
    assert await verified(api, code) == 409


async def test_a_new_password_is_another_than_the_old_one(api, office):
    made = await registered(api)
    body = {"current_password": PASSWORD, "new_password": PASSWORD}
    answer = await api.request("POST", "/v1/me/password", body, who=person(made))
    (error,) = check_problem(answer, 422)["errors"]
    assert error["field"] == "new_password"
    await forget(api, made["email"])
    code = code_of(await office.mail_to(made["email"], RESET), "reset")
    path = "/v1/auth/password/reset"
    same = await api.request("POST", path, {"code": code, "password": PASSWORD})
    assert check_problem(same, 422)["errors"][0]["field"] == "password"
    body = {"code": code, "password": "another password"}
    assert (await api.request("POST", path, body)).status == 204
    assert (await api.login(made["email"], "another password")).status == 200


async def test_whom_an_administrator_makes_chooses_a_password(api, office):
    email = new_email()
    body = {"email": email, "name": "Dora", "role": "organizer"}
    key = {"Idempotency-Key": email}
    made = await api.request("POST", "/v1/users", body, who=api.admin, headers=key)
    assert made.status == 201
    assert made.headers["location"] == f"/v1/users/{made.body['id']}"
    assert (made.body["role"], made.body["email_verified"]) == ("organizer", False)
    again = await api.request("POST", "/v1/users", body, who=api.admin, headers=key)
    assert (again.status, again.body) == (201, made.body)
    other = body | {"name": "Dorothea"}
    answer = await api.request("POST", "/v1/users", other, who=api.admin, headers=key)
    assert check_problem(answer, 422)["code"] == "key_reused"
    answer = await api.request("POST", "/v1/users", other, who=api.admin)
    assert check_problem(answer, 409)["code"] == "email_taken"
    mail = await office.mail_to(email, "Your account")
    assert "Dora" not in text_of(mail)
    for guess in ("none was chosen yet", PASSWORD):
        assert (await api.login(email, guess)).status == 401
    chosen = {"code": code_of(mail, "reset"), "password": PASSWORD}
    answer = await api.request("POST", "/v1/auth/password/reset", chosen)
    assert answer.status == 204
    signed_in = await api.login(email, PASSWORD)
    assert signed_in.body["user"] == {"id": made.body["id"], "role": "organizer"}
    me = await api.good("GET", "/v1/me", who=person(signed_in.body))
    assert me["email_verified"] is True
    path = f"/v1/users/{made.body['id']}"
    assert (await api.request("DELETE", path, who=api.admin)).status == 204
    assert await is_refused_soon(api, person(signed_in.body))
    assert (await api.login(email, PASSWORD)).status == 401
    gone = check_problem(await api.request("DELETE", path, who=api.admin), 404)
    assert gone["code"] == "user_not_found"


async def test_a_new_password_is_told_to_its_owner(api, office):
    made = await registered(api)
    body = {"current_password": PASSWORD, "new_password": "x" * 20}
    await api.good("POST", "/v1/me/password", body, who=person(made))
    mail = await office.mail_to(made["email"], "Your password was changed")
    assert "x" * 20 not in text_of(mail)


async def test_the_log_holds_no_code_and_no_address(api, office, mailing):
    made = await registered(api)
    await forget(api, made["email"])
    mail = await office.mail_to(made["email"], RESET)
    await forget(api, "nobody@example.org")
    log = mailing.log()
    assert "sent a mail" in log
    assert code_of(mail, "reset") not in log
    assert made["email"] not in log
    assert "nobody@example.org" not in log


async def test_mails_are_in_the_language_that_somebody_reads(api, office):
    """By what the browser says, then by what its owner does."""
    email = new_email()
    body = {"email": email, "password": PASSWORD, "name": "Olga"}
    headers = {"Accept-Language": "fr, de-AT;q=0.9, en;q=0.8"}
    made = await api.good("POST", "/v1/auth/register", body, headers=headers)
    mail = await office.mail_to(email, "Bestätigen Sie Ihre E-Mail-Adresse")
    assert code_of(mail, "verify")
    html = mail.get_body(("html",))
    assert html is not None
    assert '<html lang="de">' in html.get_content()
    who = person(made)
    assert (await api.good("GET", "/v1/me", who=who))["locale"] == "de-AT"
    me = await api.good("PATCH", "/v1/me", {"locale": "en"}, who=who)
    assert (me["locale"], me["name"]) == ("en", "Olga")
    await forget(api, email)
    await office.mail_to(email, RESET)
    wrong = await api.request("PATCH", "/v1/me", {"locale": "../de"}, who=who)
    assert check_problem(wrong, 422)["errors"][0]["field"] == "locale"
