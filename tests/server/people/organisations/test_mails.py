from server.people.organisations.mails import OrganisationMails, footer_of
from server.transport.mail.codes import hash_of_code


def test_an_invitation_says_nothing_that_somebody_typed_in():
    message = OrganisationMails("https://tickets.example/a").invitation("a@b.cd")
    code = message.mail.body.partition("#invitation=")[2].split()[0]
    assert hash_of_code(code) == message.code_hash
    assert "https://tickets.example/a/account#invitation=" in message.mail.body
    assert message.mail.recipient == "a@b.cd"
    other = OrganisationMails(None).invitation("a@b.cd")
    assert "#" not in other.mail.body
    assert other.code_hash != message.code_hash


def test_whoever_asked_hears_of_the_answer():
    mails = OrganisationMails(None)
    for mail, word in (
        (mails.accepted("usr", "a@b.cd"), "accepted"),
        (mails.declined("usr", "a@b.cd"), "declined"),
    ):
        assert word in mail.subject
        assert word in mail.body
        assert (mail.user_id, mail.recipient) == ("usr", "a@b.cd")


def test_an_announcement_says_who_sends_it_and_why():
    text = footer_of("The {8} Theatre", None)
    assert text.startswith("\n\n--\n")
    assert "member of The {8} Theatre" in text
    text = footer_of("The Theatre", "Hamlet")
    assert "The Theatre" in text
    assert "tickets for Hamlet" in text
