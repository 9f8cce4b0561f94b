import re

import pytest

from persistence.people.accounts import Account
from server.people.accounts.mails import Letters
from server.transport.mail.codes import hash_of_code

ANNA = Account(
    "usr_1", "anna@example.org", "hash", "customer", "Visit evil.example now"
)
CODE = re.compile(r"[\w-]{43}")


@pytest.mark.parametrize("purpose", ["verify", "reset"])
def test_a_mail_has_a_code_that_only_its_digest_is_kept_of(purpose):
    letters = Letters(None)
    letter = (
        letters.reset(ANNA)
        if purpose == "reset"
        else letters.verify(ANNA.user_id, ANNA.email)
    )
    (code,) = CODE.findall(letter.mail.body)
    assert letter.code.hash == hash_of_code(code)
    assert (letter.code.purpose, letter.code.user_id) == (purpose, "usr_1")
    assert (letter.mail.recipient, letter.code.email) == (ANNA.email, ANNA.email)
    assert letter.mail.lasts_s == letter.code.lasts_s
    assert code not in repr(letter)


def test_a_link_has_its_code_where_no_server_sees_it():
    letter = Letters("https://tickets.example/account").reset(ANNA)
    (code,) = CODE.findall(letter.mail.body)
    assert f"\n    https://tickets.example/account#reset={code}\n" in letter.mail.body


def test_no_mail_says_what_somebody_typed_in():
    letters = Letters(None)
    for mail in (
        letters.reset(ANNA).mail,
        letters.new_password(ANNA),
        letters.new_address(ANNA),
    ):
        assert "evil" not in mail.subject + mail.body
        assert mail.body.isascii()
        assert all(len(line) <= 78 for line in mail.body.splitlines())
