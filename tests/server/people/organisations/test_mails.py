from functools import partial

from server.people.organisations.mails import (
    NAME_LENGTH_MAX,
    accepted_mail,
    declined_mail,
    invitation_mail,
)
from server.transport.mail.codes import hash_of_code


def test_an_invitation_has_a_code_of_its_own_and_a_name_that_is_no_advertisement():
    message = invitation_mail("a@b.cd", "The Theatre" * 40, "staff")
    data = message.mail.data
    assert hash_of_code(data["code"]) == message.code_hash
    assert (message.mail.kind, message.mail.recipient) == ("invitation", "a@b.cd")
    assert len(data["organisation"]) == NAME_LENGTH_MAX
    assert data["organisation"].endswith("…")
    other = invitation_mail("a@b.cd", "The Theatre", "leader")
    assert other.code_hash != message.code_hash
    assert (other.mail.data["organisation"], other.mail.data["role"]) == (
        "The Theatre",
        "leader",
    )


def test_whoever_asked_hears_of_the_answer_and_from_whom():
    for write, kind in (
        (partial(accepted_mail, "Theatre"), "request_accepted"),
        (partial(declined_mail, "Theatre"), "request_declined"),
    ):
        mail = write("usr", "a@b.cd")
        assert (mail.kind, mail.data) == (kind, {"organisation": "Theatre"})
        assert (mail.user_id, mail.recipient) == ("usr", "a@b.cd")
