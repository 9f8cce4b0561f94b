import pytest

from persistence.people.accounts import Account
from server.people.accounts.mails import (
    asked_to_move_mail,
    new_address_mail,
    new_password_mail,
    reset_mail,
    verify_mail,
    welcome_mail,
)
from server.transport.mail.codes import hash_of_code

ANNA = Account(
    "usr_1", "anna@example.org", "hash", "customer", "Visit evil.example now"
)


@pytest.mark.parametrize("purpose", ["verify", "reset"])
def test_a_mail_has_a_code_that_only_its_digest_is_kept_of(purpose):
    message = (
        reset_mail(ANNA)
        if purpose == "reset"
        else verify_mail(ANNA.user_id, ANNA.email)
    )
    code = message.mail.data["code"]
    assert len(code) >= 43
    assert message.code.hash == hash_of_code(code)
    assert (message.code.purpose, message.code.user_id) == (purpose, "usr_1")
    assert (message.mail.recipient, message.code.email) == (ANNA.email, ANNA.email)
    assert message.mail.lasts_s == message.code.lasts_s
    assert code not in repr(message)


def test_no_mail_says_what_somebody_typed_in():
    for mail in (
        reset_mail(ANNA).mail,
        welcome_mail(ANNA).mail,
        new_password_mail(ANNA),
        new_address_mail(ANNA),
        asked_to_move_mail(ANNA),
    ):
        assert mail.data.keys() <= {"code"}
        assert (mail.user_id, mail.recipient) == (ANNA.user_id, ANNA.email)
