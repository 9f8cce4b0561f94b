"""Accounts made by those whose they are, without a request."""

import pytest

from server.base.refusals.refusals import Refusal
from server.people.accounts.service_register import NewAccount
from server.transport.ratelimit.meter import RateLimited
from server.transport.ratelimit.request_limits import (
    LOGINS_BURST,
    MAILS_BURST,
    REGISTRATIONS_BURST,
)
from tests.persistence.persons import PHONE
from tests.server.identities import GUEST, MIA
from tests.server.meters import Counter, uncounted
from tests.server.people.entrance import PASSWORD

pytestmark = pytest.mark.postgres

NEW = NewAccount("new@example.org", PASSWORD, "New")


async def register(desk, new=NEW, key=None, who=None, meter=None):
    newcomer = desk.newcomers.begin(who, meter or uncounted(None))
    return await desk.newcomers.register(newcomer, new, key, PHONE)


async def test_who_makes_an_account_is_signed_in_and_gets_a_mail(own_desk):
    signed = await register(own_desk)
    account = await own_desk.entrance.account(own_desk.entrance.who(signed))
    assert (account.email, account.name, account.role) == (NEW.email, "New", "customer")
    assert await own_desk.codes.verify(await own_desk.code("verify")) == signed.user
    assert repr(NEW) == "NewAccount()"


async def test_a_guest_becomes_somebody_and_its_token_ends(own_desk):
    signed = await register(own_desk, who=GUEST)
    assert signed.user == GUEST.user
    assert own_desk.entrance.closed == [(GUEST.user, GUEST.user)]
    # Who has an account makes another one.
    other = NewAccount("other@example.org", PASSWORD, "Other")
    assert (await register(own_desk, other, who=MIA)).user != MIA.user


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (NewAccount("MIA@example.org", PASSWORD, "Mia"), "email_taken"),
        (NewAccount("none", PASSWORD, "New"), "bad_field"),
        (NewAccount("new@example.org", "password123", "New"), "bad_field"),
    ],
)
async def test_no_account_is_made_of_what_will_not_do(own_desk, new, code):
    with pytest.raises(Refusal, match=code):
        await register(own_desk, new, "key")
    assert own_desk.ended == []
    assert await own_desk.entrance.mails() == []


async def test_the_same_request_is_answered_as_the_first_for_an_hour(own_desk):
    first = await register(own_desk, key="key")
    again = await register(own_desk, key="key")
    assert (again.user, again.session != first.session) == (first.user, True)
    other = NewAccount(NEW.email, "another password", "New")
    with pytest.raises(Refusal, match="key_reused"):
        await register(own_desk, other, "key")
    with pytest.raises(Refusal, match="email_taken"):
        await register(own_desk, key="another")
    await own_desk.entrance.pool.fetch(
        "UPDATE account SET created_at = now() - interval '61 min'"
    )
    with pytest.raises(Refusal, match="email_taken"):
        await register(own_desk, key="key")


async def test_an_address_makes_so_many_accounts_and_gets_so_many_mails(own_desk):
    counter = Counter()
    mia = NewAccount("mia@example.org", PASSWORD, "Mia")
    for _ in range(MAILS_BURST):
        with pytest.raises(Refusal, match="email_taken"):
            await register(own_desk, mia, meter=counter.of())
    with pytest.raises(RateLimited):
        await register(own_desk, mia, meter=counter.of())
    for _ in range(REGISTRATIONS_BURST - MAILS_BURST - 1):
        own_desk.newcomers.begin(None, counter.of())
    with pytest.raises(RateLimited):
        own_desk.newcomers.begin(None, counter.of())


async def test_a_repeated_request_is_a_guess_at_the_password(own_desk):
    await register(own_desk, key="key")
    counter = Counter()
    for _ in range(LOGINS_BURST):
        counter.of().login(NEW.email)
    with pytest.raises(RateLimited):
        await register(own_desk, key="key", meter=counter.of())
