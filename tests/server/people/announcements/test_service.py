"""Announcements made, changed and read without a request."""

import pytest

from inventory.settings import Settings
from persistence.errors import Stale
from persistence.events.catalog import Catalog
from persistence.people.announcements import Announcement, Announcements
from server.base.identity import Identity
from server.base.refusals.refusals import Denied, Refusal
from server.people.announcements.job import AnnouncementJob
from server.people.announcements.service import AnnouncementService, Message
from tests.server.identities import GUEST, LENA, MIA, OLGA, STAN, machine
from tests.server.people.house import People

pytestmark = pytest.mark.postgres

TONIGHT = Message("members", "Tonight", "We open at 8.")
SETTINGS = Settings(name="A talk", starts_at_ms=4_000_000_000_000)


class Desk:
    """The announcements of an organisation."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.catalog = Catalog(people.pool)
        self.store = Announcements(people.pool)
        job = AnnouncementJob(self.store)
        self.announcements = AnnouncementService(
            self.store, job, self.catalog, people.memberships
        )

    async def make(
        self,
        who: Identity = LENA,
        message: Message = TONIGHT,
        key: str | None = None,
        request_hash: bytes = b"hash",
    ) -> Announcement:
        membership = await self.people.member(who)
        return await self.announcements.create(membership, message, key, request_hash)


@pytest.fixture
def desk(people):
    return Desk(people)


async def test_who_leads_tells_the_others_once_under_a_key(desk):
    made = await desk.make(key="key")
    assert (made.subject, made.created_by) == ("Tonight", LENA.user)
    again = await desk.make(key="key")
    assert again.announcement_id == made.announcement_id
    with pytest.raises(Refusal, match="key_reused"):
        await desk.make(key="key", request_hash=b"other")
    for who in (STAN, MIA, machine("other")):
        with pytest.raises(Denied, match="forbidden"):
            await desk.make(who)


async def test_only_holders_of_an_event_of_the_house_are_told(desk):
    for event, organisation in (("evt", "org"), ("other", None)):
        await desk.catalog.create_event(
            event,
            SETTINGS,
            capacity=3,
            created_by="usr_olga",
            request_hash=b"",
            organisation=organisation,
        )
    made = await desk.make(message=Message("ticket_holders", "Late", "At 9.", "evt"))
    assert made.event_id == "evt"
    for event in ("other", "none"):
        message = Message("ticket_holders", "Late", "At 9.", event)
        with pytest.raises(Refusal, match="bad_field") as caught:
            await desk.make(message=message)
        assert [fault.field for fault in caught.value.faults] == ["event"]


async def test_members_read_all_and_strangers_nothing(desk):
    made = await desk.make()
    for who in (OLGA, LENA, STAN, machine("org")):
        reader = await desk.announcements.reader_of(who, "org")
        assert reader.holder is None
        found = await desk.announcements.find(reader, made.announcement_id)
        assert found.announcement_id == made.announcement_id
        with pytest.raises(Refusal, match="announcement_not_found"):
            await desk.announcements.find(reader, "none")
    for who in (MIA, GUEST, machine("other")):
        with pytest.raises(Denied, match="forbidden"):
            await desk.announcements.reader_of(who, "org")
    with pytest.raises(Refusal, match="organisation_not_found"):
        await desk.announcements.reader_of(LENA, "none")


async def test_who_leads_changes_what_they_saw(desk):
    made, leader = await desk.make(), await desk.people.member(LENA)
    name, edit = made.announcement_id, desk.announcements.edit
    edited = await edit(leader, name, "Tomorrow", None, (made.revision,))
    assert (edited.subject, edited.body) == ("Tomorrow", TONIGHT.body)
    with pytest.raises(Stale):
        await edit(leader, name, "Never", None, (made.revision,))
    with pytest.raises(Denied, match="forbidden"):
        await edit(await desk.people.member(STAN), name, "Never", None, None)
    with pytest.raises(Refusal, match="announcement_not_found"):
        await edit(leader, "none", "Never", None, None)


async def test_what_was_taken_back_is_not_there(desk):
    made, leader = await desk.make(key="key"), await desk.people.member(LENA)
    staff = await desk.people.member(STAN)
    with pytest.raises(Denied, match="forbidden"):
        await desk.announcements.delete(staff, made.announcement_id, None)
    await desk.announcements.delete(leader, made.announcement_id, None)
    reader = await desk.announcements.reader_of(OLGA, "org")
    with pytest.raises(Refusal, match="announcement_not_found"):
        await desk.announcements.find(reader, made.announcement_id)
    with pytest.raises(Refusal, match="announcement_not_found"):
        await desk.make(key="key")
