"""Mails that come back: three for good stop an address, whoever reports them."""

from typing import Any, cast

from persistence.bounces import Bounces
from persistence.mail import Outbox
from server.people.notices.composer import NoticeComposer
from server.transport.mail.sender import STOPPED, MailSender
from tests.persistence.journals import open_store
from tests.persistence.persons import ANNA, accounts_of, mail
from tests.post_office import PostOffice
from tests.server.transport.outbox.test_rest import SENDER, administrator


def report(kind: str, *names: str, email: str = ANNA.email) -> dict[str, Any]:
    return {"bounces": [{"email": email, "kind": kind, "id": name} for name in names]}


async def test_the_third_hard_one_stops_an_address(client, database_url):
    admin = await administrator(client)

    async def told(body: dict[str, Any]) -> list[str]:
        answer = await admin.good("POST", "/v1/mail/bounces", body)
        return list(answer["stopped"])

    office = PostOffice().open()
    try:
        async with open_store(database_url) as store:
            sender = MailSender(Outbox(store.pool), office.url, SENDER)
            sender.composer = NoticeComposer(cast(Any, None), None)
            sender.bounces = Bounces(store.pool)
            mails = [mail("mail_1"), mail("mail_2"), mail("mail_3")]
            await accounts_of(store.pool).create(ANNA, mails[:1])
            # What may pass does not count, nor does the same one again.
            assert await told(report("soft", "a", "b", "c")) == []
            assert await told(report("hard", "d", "d", "e")) == []
            assert await told(report("hard", "d", "e")) == []
            await sender.send_due()
            assert len(office.mails) == 1
            other_spelling = ANNA.email.replace("@example", "@EXAMPLE")
            assert other_spelling != ANNA.email
            assert await told(report("hard", "f", email=other_spelling)) == [
                other_spelling
            ]
            await store.pool.fetch(
                "UPDATE mail SET sent_at = NULL, due_at = now(),"
                " data = jsonb_build_object('code', 'secret')"
            )
            await sender.send_due()
            assert len(office.mails) == 1
            (dead,) = (await admin.good("GET", "/v1/outbox?state=dead"))["items"]
            assert dead["reason"] == STOPPED
            # Once it is well, what died may go.
            assert await told(report("well", "g")) == []
            await admin.good("POST", f"/v1/outbox/{dead['row']}/replay")
            await sender.send_due()
            assert len(office.mails) == 2
    finally:
        office.close()


async def test_only_administrators_report(client):
    answer = await client.good("POST", "/v1/auth/guest")
    guest = client.as_(answer["access_token"])
    assert (await guest.post("/v1/mail/bounces", report("hard", "a"))).status == 403
    admin = await administrator(client)
    wrong: list[dict[str, Any]] = [
        {"bounces": []},
        report("hard", ""),
        report("lost", "a"),
        {},
    ]
    for body in wrong:
        assert (await admin.post("/v1/mail/bounces", body)).status == 422
