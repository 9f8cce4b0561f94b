"""Tickets of support: kept, mailed to who is asked, told to their webhooks, once."""

import asyncio

import msgspec
import pytest

from persistence.community import support as tickets
from persistence.community.support import SupportTickets, forget_support
from persistence.people.hooks.hooks import Hooks, NewHook
from server.base.refusals.refusals import Refusal
from server.community.support.rest import SupportAsk
from server.community.support.service import Question, SupportService
from server.people.hooks.discord import shaped
from tests.server.events.house import SETTINGS, open_house
from tests.server.identities import GUEST, LENA, MAKER, MIA

pytestmark = pytest.mark.postgres

QUESTION = Question("Is @everyone coming?", "See https://evil.example\nBye", "evt")


class Desk:
    """An organisation with an event and a hook, and who takes questions."""

    def __init__(self, house) -> None:
        self.house, self.pool = house, house.pool
        self.support = SupportService(
            SupportTickets(house.pool), house.events, house.memberships
        )

    async def ask(self, who=MIA, question=QUESTION, key=None):
        hashed = msgspec.json.encode(question)
        return await self.support.ask(who, question, key, hashed)

    async def mails(self):
        return await self.pool.fetch("SELECT * FROM mail ORDER BY recipient")

    async def told(self):
        rows = await self.pool.fetch("SELECT body FROM hook_delivery")
        return [row["body"] for row in rows]


@pytest.fixture
async def desk(database_url):
    async with open_house(database_url) as house:
        await house.pool.fetch("UPDATE account SET verified_at = now()")
        for event, organisation in (("evt", "org"), ("evt of none", None)):
            await house.catalog.create_event(
                event,
                SETTINGS,
                capacity=10,
                created_by=MAKER.user,
                request_hash=b"",
                organisation=organisation,
            )
        new = NewHook(
            "hook", "org", "https://a.example", "", [], "discord", b"s", "", b""
        )
        await Hooks(house.pool, 9).create(new)
        yield Desk(house)


async def test_owners_and_leaders_are_told_once(desk):
    made = await desk.ask(key="key")
    again = await desk.ask(key="key")
    assert again == made
    assert (made.organisation_id, made.email) == ("org", "mia@example.org")
    mails = await desk.mails()
    assert [mail["recipient"] for mail in mails] == [
        "lena@example.org",
        "olga@example.org",
    ]
    assert (mails[0]["kind"], mails[0]["event_id"]) == ("support_raised", "evt")
    data = msgspec.json.decode(mails[0]["data"])
    assert data == {
        "ticket": made.ticket_id,
        "about": QUESTION.subject,
        "lines": ["See https://evil.example", "Bye"],
        "address": "mia@example.org",
    }
    (told,) = await desk.told()
    data = msgspec.json.decode(told)["data"]
    assert (data["ticket"], data["event"]) == (made.ticket_id, "evt")
    assert "@everyone" not in shaped(told).decode()
    assert "mia" not in told
    with pytest.raises(Refusal, match="key_reused"):
        await desk.ask(question=Question("Another", "one", "evt"), key="key")


async def test_the_same_at_once_is_one(desk):
    made = await asyncio.gather(*(desk.ask(key="key") for _ in range(5)))
    assert len({one.ticket_id for one in made}) == 1
    assert len(await desk.mails()) == 2
    assert len(await desk.told()) == 1


async def test_of_an_event_of_no_organisation_its_maker_is_asked(desk):
    await desk.ask(question=Question("Hello", "there", "evt of none"))
    (mail,) = await desk.mails()
    assert mail["recipient"] == "maker@example.org"
    assert await desk.told() == []


async def test_a_guest_is_answered_at_the_address_they_give(desk):
    made = await desk.ask(GUEST)
    assert made.email is None
    question = Question("Hello", "there", organisation="org", email="g@example.org")
    assert (await desk.ask(GUEST, question)).email == "g@example.org"
    # Nobody writes in another's name: an account has its own address.
    assert (await desk.ask(MIA, question)).email == "mia@example.org"


async def test_what_is_not_there_cannot_be_asked_about(desk):
    with pytest.raises(Refusal, match="event_not_found"):
        await desk.ask(question=Question("a", "b", "no such event"))
    with pytest.raises(Refusal, match="organisation_not_found"):
        await desk.ask(question=Question("a", "b", organisation="none"))
    with pytest.raises(Refusal, match="bad_field"):
        await desk.ask(question=Question("a", "b", "evt of none", "org"))
    assert await desk.mails() == []


async def test_nobody_asks_without_end(desk, monkeypatch):
    monkeypatch.setattr(tickets, "DAILY_MAX", 2)
    for _ in range(2):
        await desk.ask()
    with pytest.raises(Refusal, match="limit_reached"):
        await desk.ask()
    await desk.ask(LENA)
    found, _ = await desk.support.store.list_of("org", limit=10)
    assert [one.user_id for one in found] == [LENA.user, MIA.user, MIA.user]


async def test_of_whoever_goes_nothing_is_kept(desk):
    await desk.ask()
    await desk.ask(LENA)
    async with desk.pool.transaction() as connection:
        await forget_support(connection, MIA.user)
    found, _ = await desk.support.store.list_of("org", limit=10)
    assert [one.text for one in found] == [QUESTION.text, ""]
    assert found[1].email is None
    assert len(await desk.told()) == 1


def test_a_body_says_what_is_wrong_with_it():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"subject": "", "text": "x"}', type=SupportAsk)
