"""Dead letters: listed and replayed by administrators, with a real SMTP server."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from persistence.mail import Outbox
from persistence.people.hooks.hooks import Hooks, NewHook
from persistence.people.hooks.raising import raise_hook
from server.people.notices.composer import NoticeComposer
from server.transport.mail.sender import MailSender
from tests.persistence.journals import open_store
from tests.persistence.persons import ANNA, accounts_of, mail, organised, registered
from tests.post_office import OK, PostOffice, text_of
from tests.server.conftest import ADMIN, Client

SENDER = "Tickets <tickets@example.org>"


@pytest.fixture
def office() -> Iterator[PostOffice]:
    office = PostOffice().open()
    yield office
    office.close()


async def administrator(client: Client) -> Client:
    answer = await client.good("POST", "/v1/auth/login", ADMIN)
    return client.as_(answer["access_token"])


async def test_a_dead_letter_is_listed_replayed_and_sent(client, database_url, office):
    admin = await administrator(client)
    async with open_store(database_url) as store:
        sender = MailSender(Outbox(store.pool), office.url, SENDER)
        sender.composer = NoticeComposer(cast(Any, None), None)
        await accounts_of(store.pool).create(ANNA, [mail("mail_1"), mail("mail_2")])
        office.answer = "550 no such mailbox"
        await sender.send_due()
        dead = await admin.good("GET", "/v1/outbox?state=dead&count=true&limit=1")
        assert (dead["total"], len(dead["items"])) == (2, 1)
        more = f"/v1/outbox?state=dead&cursor={dead['next_cursor']}"
        (other,) = (await admin.good("GET", more))["items"]
        (one,) = dead["items"]
        assert {one["row"], other["row"]} == {"mail_1", "mail_2"}
        assert (one["channel"], one["state"], one["attempts"]) == ("mail", "dead", 1)
        assert "550" in one["reason"]
        # What it says is for its recipient alone.
        assert "secret" not in str(dead)
        replay = f"/v1/outbox/{one['row']}/replay"
        for _ in range(2):
            again = await admin.good("POST", replay)
            assert (again["state"], again["attempts"]) == ("due", 0)
            assert (again["reason"], again["ended_at"]) == (None, None)
        office.answer = OK
        await sender.send_due()
        (sent,) = office.mails
        assert "\n    secret\n" in text_of(sent).replace("\r\n", "\n")
        # What was sent is not sent again.
        assert (await admin.good("POST", replay))["state"] == "sent"
        assert await sender.send_due() == 0
        listed = await admin.good("GET", "/v1/outbox?state=sent&channel=mail")
        assert [row["row"] for row in listed["items"]] == [one["row"]]


async def test_a_letter_that_was_too_late_has_as_long_again(client, database_url):
    admin = await administrator(client)
    async with open_store(database_url) as store:
        await accounts_of(store.pool).create(ANNA, [mail("mail_1", lasts_s=100)])
        await store.pool.fetch(
            "UPDATE mail SET created_at = created_at - interval '200 s',"
            " expires_at = expires_at - interval '200 s'"
        )
        (dead,) = (await admin.good("GET", "/v1/outbox?state=dead"))["items"]
        assert await Outbox(store.pool).take() == []
        await admin.good("POST", f"/v1/outbox/{dead['row']}/replay")
        (taken,) = await Outbox(store.pool).take()
        assert taken.mail_id == "mail_1"


async def test_a_dead_letter_of_a_hook_is_listed_and_replayed_likewise(
    client, database_url
):
    admin = await administrator(client)
    async with open_store(database_url) as store:
        await registered(store.pool, "olga")
        await organised(store.pool, olga="owner")
        new = NewHook(
            "hook", "org", "https://a.example/s3cret", "", [], "standard", b"", "", b""
        )
        await Hooks(store.pool, 9).create(new)
        # The server sees the hook when it is off: nobody sends there.
        async with store.pool.transaction() as connection:
            await raise_hook(connection, "org", "sale.opened", {}, "evt")
            await connection.execute("UPDATE hook SET off = 'gone'")
            await connection.execute(
                "UPDATE hook_delivery SET state = 'dead', ended_at = now(),"
                " error = '410'"
            )
        listed = await admin.good("GET", "/v1/outbox?channel=hook&count=true")
        assert listed["total"] == 1
        (dead,) = listed["items"]
        assert (dead["channel"], dead["state"], dead["kind"], dead["reason"]) == (
            "hook",
            "dead",
            "sale.opened",
            "410",
        )
        assert dead["recipient"] == "https://a.example"
        assert (await admin.good("GET", "/v1/outbox?state=dead"))["items"] == []
        for _ in range(2):
            again = await admin.good("POST", f"/v1/outbox/{dead['row']}/replay")
            assert (again["channel"], again["state"]) == ("hook", "due")


async def test_only_administrators_see_what_leaves_us(client):
    answer = await client.good("POST", "/v1/auth/guest")
    guest = client.as_(answer["access_token"])
    results: list[Any] = [
        await guest.get("/v1/outbox"),
        await guest.post("/v1/outbox/mail_1/replay"),
    ]
    assert [one.status for one in results] == [403, 403]
    admin = await administrator(client)
    assert (await admin.post("/v1/outbox/mail_1/replay")).status == 404
    for query in ("channel=pigeon", "state=lost"):
        assert (await admin.get(f"/v1/outbox?{query}")).status == 422
