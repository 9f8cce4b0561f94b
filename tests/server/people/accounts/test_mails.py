import re

import pytest

from persistence.people.accounts import Account
from server.people.accounts.mails import AccountMails
from server.transport.mail.codes import hash_of_code

ANNA = Account(
    "usr_1", "anna@example.org", "hash", "customer", "Visit evil.example now"
)
CODE = re.compile(r"[\w-]{43}")


@pytest.mark.parametrize("purpose", ["verify", "reset"])
def test_a_mail_has_a_code_that_only_its_digest_is_kept_of(purpose):
    mails = AccountMails(None)
    message = (
        mails.reset(ANNA)
        if purpose == "reset"
        else mails.verify(ANNA.user_id, ANNA.email)
    )
    (code,) = CODE.findall(message.mail.body)
    assert message.code.hash == hash_of_code(code)
    assert (message.code.purpose, message.code.user_id) == (purpose, "usr_1")
    assert (message.mail.recipient, message.code.email) == (ANNA.email, ANNA.email)
    assert message.mail.lasts_s == message.code.lasts_s
    assert code not in repr(message)


def test_a_link_has_its_code_where_no_server_sees_it():
    message = AccountMails("https://tickets.example").reset(ANNA)
    (code,) = CODE.findall(message.mail.body)
    assert f"\n    https://tickets.example/account#reset={code}\n" in message.mail.body


def test_no_mail_says_what_somebody_typed_in():
    mails = AccountMails(None)
    for mail in (
        mails.reset(ANNA).mail,
        mails.new_password(ANNA),
        mails.new_address(ANNA),
        mails.asked_to_move(ANNA),
        mails.welcome(ANNA).mail,
    ):
        assert "evil" not in mail.subject + mail.body
        assert mail.body.isascii()
        assert all(len(line) <= 78 for line in mail.body.splitlines())
