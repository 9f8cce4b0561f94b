import asyncio

import pytest
from msgspec.structs import replace

from persistence.people.join_requests import JoinRequests, RequestNotFound
from persistence.people.organisations import (
    AlreadyMember,
    OrganisationNotFound,
    Organisations,
)
from server.people.organisations.mails import asked_notice
from tests.persistence.persons import mail, organised, registered

pytestmark = pytest.mark.postgres


def letter(user, email):
    return replace(mail(f"to {user}", user), recipient=email)


@pytest.fixture
async def requests(store):
    await registered(store.pool, "anna", "bert", "cleo")
    await organised(store.pool, anna="owner")
    return JoinRequests(store.pool)


async def role(store, user):
    member = await Organisations(store.pool).find_member("org", user)
    return None if member is None else member.role


async def test_whoever_is_accepted_is_a_member_and_hears_of_it(requests, store):
    made = await requests.create("req", "org", "usr_bert", "Hello", asked_notice)
    assert (made.state, made.name, made.message) == ("pending", "Bert", "Hello")
    assert (
        await requests.create("again", "org", "usr_bert", "Hello?", asked_notice)
        == made
    )
    await requests.accept("org", "req", "leader", "usr_anna", letter)
    assert await role(store, "usr_bert") == "leader"
    assert (await requests.find("org", "req")).state == "accepted"
    assert await store.query("SELECT recipient FROM mail") == [("bert@example.org",)]
    with pytest.raises(RequestNotFound):
        await requests.decline("org", "req", "usr_anna", letter)
    with pytest.raises(AlreadyMember):
        await requests.create("more", "org", "usr_bert", "", asked_notice)


async def test_whoever_is_declined_is_none_and_may_ask_again(requests, store):
    await requests.create("req", "org", "usr_bert", "", asked_notice)
    await requests.decline("org", "req", "usr_anna", letter)
    assert await role(store, "usr_bert") is None
    assert (
        await requests.create("new", "org", "usr_bert", "", asked_notice)
    ).state == "pending"
    with pytest.raises(RequestNotFound):
        await requests.withdraw("org", "new", "usr_cleo")
    await requests.withdraw("org", "new", "usr_bert")
    with pytest.raises(RequestNotFound):
        await requests.accept("org", "new", "staff", "usr_anna", letter)
    mine, cursor = await requests.list_of_user("usr_bert", limit=1)
    assert [(one.request_id, one.state) for one in mine] == [("new", "withdrawn")]
    mine, _ = await requests.list_of_user("usr_bert", limit=1, cursor=cursor)
    assert [(one.request_id, one.state) for one in mine] == [("req", "declined")]
    assert await requests.list_of("org", state="pending", limit=9) == ([], None)
    every, _ = await requests.list_of("org", limit=9)
    assert len(every) == 2


async def test_a_request_is_answered_once(requests, store):
    await requests.create("req", "org", "usr_bert", "", asked_notice)
    outcomes = await asyncio.gather(
        requests.accept("org", "req", "staff", "usr_anna", letter),
        requests.decline("org", "req", "usr_anna", letter),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes if one is not None] == [RequestNotFound]
    state = (await requests.find("org", "req")).state
    assert (state == "accepted") == (await role(store, "usr_bert") == "staff")
    assert await store.query("SELECT count(*) FROM mail") == [(1,)]


async def test_nobody_asks_what_is_not_there(requests):
    with pytest.raises(OrganisationNotFound):
        await requests.create("req", "none", "usr_bert", "", asked_notice)
    with pytest.raises(RequestNotFound):
        await requests.accept("org", "none", "staff", "usr_anna", letter)
    assert await requests.find("org", "none") is None
