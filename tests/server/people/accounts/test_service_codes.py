"""Codes of mails, sent and taken without a request."""

import pytest

from server.base.refusals.refusals import Refusal
from server.people.accounts import service_codes
from server.people.accounts.service_own import AccountEdit
from server.transport.ratelimit.meter import RateLimited
from server.transport.ratelimit.request_limits import MAILS_BURST
from tests.server.identities import MIA
from tests.server.meters import Counter, uncounted
from tests.server.people.entrance import PASSWORD

pytestmark = pytest.mark.postgres

MIAS = "mia@example.org"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(service_codes, "FORGOT_S", 0.0)


async def test_an_address_is_confirmed_once_with_the_code_of_its_mail(own_desk):
    codes, entrance = own_desk.codes, own_desk.entrance
    await codes.resend(MIA, uncounted())
    code = await own_desk.code("verify")
    assert await codes.verify(code) == MIA.user
    assert (await entrance.account(MIA)).verified
    for used in (code, "never one"):
        with pytest.raises(Refusal, match="code_invalid"):
            await codes.verify(used)
    # There is nothing left to confirm.
    await codes.resend(MIA, uncounted())
    assert await entrance.mails() == [MIAS]


async def test_an_address_that_is_to_be_is_what_waits_for_a_code(own_desk):
    codes, entrance = own_desk.codes, own_desk.entrance
    await entrance.choose(MIA)
    move = AccountEdit(email="new@example.org", current_password=PASSWORD)
    await own_desk.own.edit(MIA, move, None, uncounted())
    await codes.resend(MIA, uncounted())
    mails = await entrance.mails()
    assert mails == [MIAS, "new@example.org", "new@example.org"]


async def test_a_code_is_sent_as_often_as_an_address_may_get_mails(own_desk):
    codes, meter = own_desk.codes, Counter().of(MIA.user)
    for _ in range(MAILS_BURST):
        await codes.resend(MIA, meter)
    with pytest.raises(RateLimited):
        await codes.resend(MIA, meter)
    with pytest.raises(RateLimited):
        await codes.forgot(MIAS, meter)


async def test_a_forgotten_password_is_chosen_anew_once(own_desk):
    codes, entrance = own_desk.codes, own_desk.entrance
    await entrance.choose(MIA)
    before = await entrance.log_in(MIA)
    await codes.forgot(f" {MIAS} ", uncounted(None))
    code = await own_desk.code("reset")
    for password in (PASSWORD, "password123"):
        with pytest.raises(Refusal, match="bad_field"):
            await codes.reset(code, password)
    assert await codes.reset(code, "another password") == MIA.user
    assert own_desk.ended == [MIA.user]
    assert (MIA.user, before.session) in entrance.closed
    with pytest.raises(Refusal, match="code_invalid"):
        await codes.reset(code, "a third password")
    await entrance.log_in(MIA, "another password")


async def test_nobody_hears_whether_an_address_has_an_account(own_desk):
    await own_desk.codes.forgot("nobody@example.org", uncounted(None))
    assert await own_desk.entrance.mails() == []


async def test_nothing_is_computed_for_a_code_that_is_none(own_desk, monkeypatch):
    async def hash_nothing(*_: object) -> str:
        raise AssertionError("a password was hashed")

    monkeypatch.setattr(own_desk.entrance.passwords, "hash", hash_nothing)
    monkeypatch.setattr(own_desk.entrance.passwords, "verify", hash_nothing)
    with pytest.raises(Refusal, match="code_invalid"):
        await own_desk.codes.reset("never one", "another password")
