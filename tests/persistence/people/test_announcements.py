import pytest
from msgspec.structs import replace

from persistence.errors import TooMany
from persistence.events.attendees import Attendees, NewAttendee, forget_attendees
from persistence.mail import TAKEN_MAX, Outbox, put_mails
from persistence.people.announcements import (
    PER_DAY_MAX,
    UNPROVEN_PER_DAY_MAX,
    Announcements,
    NewAnnouncement,
)
from persistence.people.organisations import OrganisationNotFound
from tests.persistence.journals import SETTINGS, make_batch, make_booking
from tests.persistence.persons import digest, mail, organised, registered

pytestmark = pytest.mark.postgres

NEW = NewAnnouncement(
    "ann", "org", "members", None, "Tonight", "We open at 8.", "usr_anna", b"h"
)
TO_HOLDERS = replace(NEW, audience="ticket_holders", event_id="evt")


@pytest.fixture
async def announcements(store):
    await registered(store.pool, "anna", "bert", "cleo")
    await organised(store.pool, anna="owner", bert="staff", cleo="staff")
    return Announcements(store.pool)


async def sell(store, *buyers: str):
    """Book once for each of these, in this order."""
    await store.catalog.create_event(
        "evt",
        SETTINGS,
        capacity=100,
        created_by="usr_anna",
        request_hash=b"h",
        organisation="org",
    )
    ownership = await store.journal.acquire("evt")
    rows = [
        replace(make_booking(f"b{n}", n), user=buyer)
        for n, buyer in enumerate(buyers, 1)
    ]
    await store.commit(ownership, make_batch(ownership, len(rows), bookings=rows))


async def write_all(announcements, batch):
    turns = 0
    while await announcements.write_some(batch):
        turns += 1
        assert turns < 100
    return turns


async def recipients(store):
    rows = await store.query("SELECT recipient FROM mail ORDER BY recipient")
    return [row[0].partition("@")[0] for row in rows]


async def test_every_member_gets_one_mail(announcements, store):
    made = await announcements.create(NEW)
    assert (made.recipients, made.written_at) == (0, None)
    assert await announcements.create(NEW) == made
    assert await write_all(announcements, 2) == 2
    assert await recipients(store) == ["anna", "bert", "cleo"]
    found = await announcements.find("org", "ann")
    assert (found.recipients, found.waiting, found.failed) == (3, 3, 0)
    assert found.written_at is not None
    outbox = Outbox(store.pool)
    first, second, _ = await outbox.take()
    assert (first.subject, first.body) == ("Tonight", "We open at 8.")
    await outbox.sent(first.mail_id)
    await outbox.failed(second.mail_id, "no such mailbox")
    found = await announcements.find("org", "ann")
    assert (found.recipients, found.waiting, found.failed) == (3, 1, 1)


@pytest.mark.parametrize("batch", [1, 2, 3, 50])
async def test_every_ticket_holder_gets_one_mail_however_many_tickets(
    announcements, store, batch
):
    await sell(
        store, "usr_bert", "usr_guest", "usr_bert", "usr_cleo", "usr_guest", "usr_anna"
    )
    await store.pool.fetch(
        "UPDATE booking SET cancelled_at = now() WHERE user_id = 'usr_cleo'"
    )
    await announcements.create(TO_HOLDERS)
    assert await write_all(announcements, batch) == 6 // batch + 1
    assert await recipients(store) == ["anna", "bert"]
    found = await announcements.find("org", "ann")
    assert (found.recipients, found.without_email) == (2, 1)


async def test_those_who_registered_hold_tickets(announcements, store):
    await sell(store, "usr_bert", "att_olga", "att_gone")
    attendees = Attendees(store.pool)
    for name in ("olga", "gone"):
        email = f"{name}@example.org"
        await attendees.begin(
            NewAttendee(f"att_{name}", "evt", email, "", f"usr_{name}", b"")
        )
    async with store.pool.transaction() as connection:
        await forget_attendees(connection, "usr_gone")
    await announcements.create(TO_HOLDERS)
    await write_all(announcements, 2)
    assert await recipients(store) == ["bert", "olga"]
    found = await announcements.find("org", "ann")
    assert (found.recipients, found.without_email) == (2, 1)


async def test_what_somebody_waits_for_is_sent_before_announcements(
    announcements, store
):
    await announcements.create(NEW)
    await write_all(announcements, 50)
    await store.pool.fetch("UPDATE mail SET due_at = now() - interval '1 hour'")
    async with store.pool.transaction() as connection:
        await put_mails(connection, [mail(f"m{n}") for n in range(TAKEN_MAX - 1)], [])
    taken = await Outbox(store.pool).take()
    assert len(taken) == TAKEN_MAX
    assert sum(one.subject == "Tonight" for one in taken) == 1


async def test_there_are_not_too_many_and_they_are_listed_in_pages(announcements):
    for n in range(PER_DAY_MAX):
        await announcements.create(replace(NEW, announcement_id=f"ann{n}"))
    with pytest.raises(TooMany):
        await announcements.create(NEW)
    with pytest.raises(OrganisationNotFound):
        await announcements.create(replace(NEW, organisation_id="none"))
    page, cursor = await announcements.list_of("org", limit=30)
    rest, none = await announcements.list_of("org", limit=30, cursor=cursor)
    assert len({one.announcement_id for one in page + rest}) == PER_DAY_MAX
    assert none is None
    assert await announcements.find("org", "none") is None


async def texts(store):
    rows = await store.query("SELECT subject, body, recipient FROM mail ORDER BY 3")
    return [(subject, body) for subject, body, _ in rows]


async def test_an_edit_reaches_the_mails_that_are_not_sent(announcements, store):
    await announcements.create(NEW)
    assert await announcements.write_some(1)
    (taken,) = await Outbox(store.pool).take()
    await Outbox(store.pool).sent(taken.mail_id)
    assert await announcements.write_some(1)
    edited = await announcements.edit("org", "ann", "Tomorrow", None)
    assert (edited.subject, edited.body) == ("Tomorrow", NEW.body)
    assert edited.edited_at is not None
    await write_all(announcements, 50)
    # One was sent, one waited, one was not written yet.
    sent, *others = await texts(store)
    assert sent == ("Tonight", "")
    assert others == [("Tomorrow", "We open at 8.")] * 2
    same = await announcements.edit("org", "ann", "Tomorrow", NEW.body)
    assert same.edited_at == edited.edited_at
    assert await announcements.edit("other", "ann", "Mine", None) is None


async def test_a_deletion_withdraws_the_mails_that_are_not_sent(announcements, store):
    await announcements.create(NEW)
    assert await announcements.write_some(1)
    (taken,) = await Outbox(store.pool).take()
    await Outbox(store.pool).sent(taken.mail_id)
    assert await announcements.write_some(1)
    assert not await announcements.delete("other", "ann")
    assert await announcements.delete("org", "ann")
    assert not await announcements.write_some(50)
    assert await texts(store) == [("Tonight", "")]
    assert not await announcements.delete("org", "ann")
    assert await announcements.find("org", "ann") is None
    assert await announcements.list_of("org", limit=9) == ([], None)
    assert await announcements.edit("org", "ann", "Again", None) is None
    # It is not made again, and counts for its day.
    again = await announcements.create(NEW)
    assert again.deleted_at is not None
    for n in range(PER_DAY_MAX - 1):
        await announcements.create(replace(NEW, announcement_id=f"ann{n}"))
    with pytest.raises(TooMany):
        await announcements.create(replace(NEW, announcement_id="one more"))


async def test_what_is_for_ticket_holders_is_theirs_to_read(announcements, store):
    await sell(store, "usr_guest", "usr_cleo", "att_olga", "usr_gone")
    await store.pool.fetch(
        "UPDATE booking SET cancelled_at = now() WHERE user_id = 'usr_gone'"
    )
    attendees = Attendees(store.pool)
    olga = NewAttendee("att_olga", "evt", "o@example.org", "", "usr_olga", b"")
    await attendees.begin(olga)
    confirmed = mail("m", "att_olga")
    await attendees.confirm("att_olga", "b3", "REFREF", digest("code"), confirmed)
    await announcements.create(NEW)
    await announcements.create(replace(TO_HOLDERS, announcement_id="held"))
    for user in ("usr_guest", "usr_olga", "usr_cleo"):
        assert await announcements.holds_tickets("org", user)
        page, _ = await announcements.list_of("org", holder=user, limit=9)
        assert [one.announcement_id for one in page] == ["held"]
        assert await announcements.find("org", "held", user) is not None
        assert await announcements.find("org", "ann", user) is None
    for user in ("usr_gone", "usr_bert"):
        assert not await announcements.holds_tickets("org", user)
        assert await announcements.find("org", "held", user) is None
    assert not await announcements.holds_tickets("other", "usr_guest")

    async def told(user):
        page, _ = await announcements.list_of_user(user, limit=9)
        return {one.announcement_id for one in page}

    assert await told("usr_guest") == {"held"}
    assert await told("usr_bert") == {"ann"}
    assert await told("usr_cleo") == {"ann", "held"}
    assert await told("usr_gone") == set()


async def test_an_address_that_nobody_confirmed_gets_few_in_a_day(announcements, store):
    await store.pool.fetch(
        "UPDATE account SET verified_at = now() WHERE user_id = 'usr_bert'"
    )
    for n in range(UNPROVEN_PER_DAY_MAX + 2):
        await announcements.create(replace(NEW, announcement_id=f"ann {n}"))
    await write_all(announcements, 50)
    got = await recipients(store)
    assert got.count("bert") == UNPROVEN_PER_DAY_MAX + 2
    assert got.count("anna") == got.count("cleo") == UNPROVEN_PER_DAY_MAX
    await store.pool.fetch("UPDATE mail SET created_at = now() - interval '25 h'")
    await announcements.create(replace(NEW, announcement_id="tomorrow"))
    await write_all(announcements, 50)
    assert (await recipients(store)).count("cleo") == UNPROVEN_PER_DAY_MAX + 1
