"""One person, one account: an address is the same however it is spelled."""

import uuid

from tests.contract.client import check_problem
from tests.contract.teams import account, organisation

PASSWORD = "correct horse battery staple"


def spellings(tag: str) -> list[str]:
    return [
        f"Jürgen-{tag}@München.DE",
        f"ju\u0308rgen-{tag}@mu\u0308nchen.de",
        f"jürgen-{tag}@xn--mnchen-3ya.de",
        f"JÜRGEN-{tag}@MÜNCHEN.de",
    ]


async def test_an_address_has_one_account_and_is_shown_as_it_was_typed(api):
    first, *others = spellings(uuid.uuid4().hex)
    body = {"email": first, "password": PASSWORD, "name": "Jürgen"}
    made = await api.good("POST", "/v1/auth/register", body)
    for email in others:
        answer = await api.request(
            "POST", "/v1/auth/register", {**body, "email": email}
        )
        assert check_problem(answer, 409)["code"] == "email_taken", email
    for email in (first, *others):
        answer = await api.request(
            "POST", "/v1/auth/login", {"email": f" {email}", "password": PASSWORD}
        )
        assert answer.status == 200, email
        assert answer.body["user"]["id"] == made["user"]["id"]
    page = await api.good("GET", "/v1/users", who=api.admin, params={"q": others[1]})
    assert [user["email"] for user in page["items"]] == [first]


async def test_an_address_has_one_place(api):
    first, *others = spellings(uuid.uuid4().hex)
    event = await api.sale(None, capacity=9, registration="open")
    path = f"/v1/events/{event}/attendees"
    made = await api.good(
        "POST", path, {"email": first, "name": "J"}, who=await api.guest()
    )
    assert made["email"] == first
    for email in others:
        body = {"email": email, "name": "J"}
        answer = await api.request("POST", path, body, who=await api.guest())
        assert check_problem(answer, 409)["code"] == "already_registered", email
    assert (await api.event(event))["counts"]["booked"] == 1


async def test_an_address_is_invited_once(api):
    first, *others = spellings(uuid.uuid4().hex)
    who = await account(api)
    path = f"/v1/organisations/{await organisation(api, who)}/invitations"
    for email in (first, *others):
        made = await api.good("POST", path, {"email": email}, who=who)
        assert made["email"] == email
    page = await api.good("GET", path, who=who, params={"state": "pending"})
    assert [one["email"] for one in page["items"]] == [others[-1]]
