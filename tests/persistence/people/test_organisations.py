import asyncio

import pytest

from persistence.errors import Stale, TooMany
from persistence.events.catalog import Catalog
from persistence.events.rows import EventFilter
from persistence.people.leaving import LastOwner
from persistence.people.organisations import (
    OWNED_MAX,
    AlreadyMember,
    InUse,
    MemberNotFound,
    NotAllowed,
    OrganisationNotFound,
    Organisations,
    join,
)
from persistence.quotas import Quotas
from tests.persistence.journals import SETTINGS, VENUE, make_batch, make_booking
from tests.persistence.persons import accounts_of, organised, registered

pytestmark = pytest.mark.postgres

ALL = ("owner", "leader", "staff")
BELOW = ("leader", "staff")


@pytest.fixture
def organisations(store):
    return Organisations(store.pool)


async def roles(organisations, name="org"):
    members, _ = await organisations.list_members(name, limit=50)
    return {one.user_id.removeprefix("usr_"): one.role for one in members}


async def test_whoever_makes_an_organisation_owns_it(organisations, store):
    await registered(store.pool, "anna", "bert")
    made = await organisations.create(
        "org", "Theatre", "Plays", created_by="usr_anna", request_hash=b"h"
    )
    assert (made.name, made.description, made.role) == ("Theatre", "Plays", "owner")
    again = await organisations.create(
        "org", "Other", "", created_by="usr_anna", request_hash=b"other"
    )
    assert again == made
    found = await organisations.find("org", "usr_bert")
    assert (found.name, found.role) == ("Theatre", None)
    assert await organisations.find("other", "usr_anna") is None
    await organisations.edit("org", "Opera", None, None)
    found = await organisations.find("org", "usr_anna")
    assert (found.name, found.description) == ("Opera", "Plays")


async def test_each_change_of_an_organisation_counts_and_is_of_what_was_seen(
    organisations, store
):
    await registered(store.pool, "anna")
    await organised(store.pool, anna="owner")
    edits = (
        ("Opera", None),
        (None, "Arias"),
        (None, None, None, "Asia/Tokyo"),
        (None, None, False),
    )
    for revision, edit in enumerate(edits, start=1):
        for _ in range(2):
            await organisations.edit("org", *edit)
            assert (await organisations.find("org", "usr_anna")).revision == revision
    with pytest.raises(Stale):
        await organisations.edit("org", "Circus", None, seen=(3, 5))
    with pytest.raises(OrganisationNotFound):
        await organisations.edit("other", "Circus", None)
    await organisations.edit("org", "Circus", None, seen=(3, 4))
    assert (await organisations.find("org", "usr_anna")).name == "Circus"


async def test_nobody_owns_too_many_even_when_asking_at_once(organisations, store):
    await registered(store.pool, "anna")
    made = await asyncio.gather(
        *(
            organisations.create(
                f"org{n}", "Theatre", "", created_by="usr_anna", request_hash=b"h"
            )
            for n in range(OWNED_MAX + 3)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, TooMany) for one in made) == 3
    with pytest.raises(MemberNotFound):
        await organisations.create(
            "none", "Theatre", "", created_by="usr_none", request_hash=b"h"
        )


async def test_organisations_and_members_are_listed_in_pages(organisations, store):
    await registered(store.pool, "anna", "bert", "cleo")
    for n in range(3):
        await organised(store.pool, f"org{n}", anna="owner", bert="staff", cleo="staff")
    await organised(store.pool, "cleos", cleo="owner")
    names, cursor = [], None
    while True:
        page, cursor = await organisations.list_of("usr_anna", limit=2, cursor=cursor)
        names += [one.organisation_id for one in page]
        if cursor is None:
            break
    assert names == ["org0", "org1", "org2"]
    every, _ = await organisations.list_of("usr_anna", reach="all", limit=9)
    assert [(one.organisation_id, one.role) for one in every][-1] == ("cleos", None)
    first, cursor = await organisations.list_members("org0", limit=2)
    second, none = await organisations.list_members("org0", limit=2, cursor=cursor)
    assert [one.user_id for one in first + second] == [
        "usr_anna",
        "usr_bert",
        "usr_cleo",
    ]
    assert none is None
    assert "example.org" not in repr(first)


async def test_a_member_gets_another_role_from_who_may_give_it(organisations, store):
    await registered(store.pool, "anna", "bert", "cleo")
    await organised(store.pool, anna="owner", bert="leader", cleo="staff")
    await organisations.set_role("org", "usr_cleo", "leader", BELOW)
    for user, role in (("usr_anna", "staff"), ("usr_cleo", "owner")):
        with pytest.raises(NotAllowed):
            await organisations.set_role("org", user, role, BELOW)
    with pytest.raises(NotAllowed):
        await organisations.remove("org", "usr_anna", BELOW)
    with pytest.raises(MemberNotFound):
        await organisations.set_role("org", "usr_none", "staff", ALL)
    with pytest.raises(OrganisationNotFound):
        await organisations.set_role("none", "usr_anna", "staff", ALL)
    with pytest.raises(LastOwner):
        await organisations.set_role("org", "usr_anna", "staff", ALL)
    with pytest.raises(LastOwner):
        await organisations.remove("org", "usr_anna", ALL)
    await organisations.remove("org", "usr_bert", BELOW)
    assert await roles(organisations) == {"anna": "owner", "cleo": "leader"}
    assert (await organisations.find_member("org", "usr_cleo")).role == "leader"
    assert await organisations.roles(["org", "none"]) == {
        "org": {"usr_anna": "owner", "usr_cleo": "leader"},
        "none": {},
    }


async def test_an_organisation_is_given_to_another_member(organisations, store):
    await registered(store.pool, "anna", "bert", "cleo")
    await organised(store.pool, anna="owner", bert="staff")
    await organisations.transfer("org", "usr_anna", "usr_bert")
    assert await roles(organisations) == {"anna": "leader", "bert": "owner"}
    with pytest.raises(NotAllowed):
        await organisations.transfer("org", "usr_anna", "usr_bert")
    with pytest.raises(MemberNotFound):
        await organisations.transfer("org", "usr_bert", "usr_cleo")


@pytest.mark.parametrize("attempt", range(5))
async def test_of_two_owners_who_leave_at_once_one_stays(organisations, store, attempt):
    await registered(store.pool, "anna", "bert")
    await organised(store.pool, anna="owner", bert="owner")
    outcomes = await asyncio.gather(
        organisations.remove("org", "usr_anna", ALL),
        organisations.remove("org", "usr_bert", ALL),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes if one is not None] == [LastOwner]
    assert list((await roles(organisations)).values()) == ["owner"]


async def test_of_two_owners_who_delete_their_accounts_one_is_refused(
    organisations, store
):
    await registered(store.pool, "anna", "bert")
    await organised(store.pool, anna="owner", bert="owner")
    accounts = accounts_of(store.pool)
    outcomes = await asyncio.gather(
        accounts.delete("usr_anna"), accounts.delete("usr_bert"), return_exceptions=True
    )
    (refused,) = [one for one in outcomes if isinstance(one, Exception)]
    assert isinstance(refused, LastOwner)
    assert refused.names == ["Theatre"]
    (left,) = await roles(organisations)
    assert (await accounts.find(f"usr_{left}")) is not None


async def test_an_account_that_is_deleted_leaves_its_organisations(
    organisations, store
):
    await registered(store.pool, "anna", "bert")
    await organised(store.pool, anna="owner", bert="leader")
    assert await accounts_of(store.pool).delete("usr_bert") is not None
    assert await roles(organisations) == {"anna": "owner"}
    with pytest.raises(MemberNotFound):
        async with store.pool.transaction() as connection:
            await join(connection, "org", "usr_bert", "staff", 9)
    with pytest.raises(AlreadyMember):
        async with store.pool.transaction() as connection:
            await join(connection, "org", "usr_anna", "staff", 9)


async def test_an_organisation_ends_only_when_its_events_have(organisations, store):
    await registered(store.pool, "anna")
    await organised(store.pool, anna="owner")
    await store.catalog.create_event(
        "evt",
        SETTINGS,
        capacity=10,
        created_by="usr_anna",
        request_hash=b"h",
        organisation="org",
    )
    with pytest.raises(InUse):
        await organisations.delete("org")
    ownership = await store.journal.acquire("evt")
    booked = make_batch(ownership, bookings=[make_booking("b1")])
    await store.commit(ownership, booked)
    await store.pool.fetch("UPDATE event SET status = 'cancelled'")
    with pytest.raises(InUse):
        await organisations.delete("org")
    await store.pool.fetch("UPDATE booking SET cancelled_at = now()")
    await organisations.delete("org")
    assert await organisations.find("org", "usr_anna") is None
    with pytest.raises(OrganisationNotFound):
        await organisations.delete("org")
    # Whoever asks for it again, under the same key, gets the one that there was.
    again = await organisations.create(
        "org", "Other", "", created_by="usr_anna", request_hash=b"other"
    )
    assert (again.name, again.role) == ("Theatre", None)
    assert await organisations.find("org", "usr_anna") is None
    assert (await store.catalog.find_event("evt")).organisation == "org"
    with pytest.raises(KeyError):
        await store.catalog.create_event(
            "late",
            SETTINGS,
            capacity=10,
            created_by="usr_anna",
            request_hash=b"h",
            organisation="org",
        )


async def test_drafts_of_an_organisation_are_in_its_own_list_only(store):
    await registered(store.pool, "anna")
    await organised(store.pool, anna="owner")
    for event, organisation in (("own", "org"), ("free", None)):
        await store.catalog.create_event(
            event,
            SETTINGS,
            capacity=10,
            created_by="usr_anna",
            request_hash=b"h",
            organisation=organisation,
        )
    public, _ = await store.catalog.list_events(EventFilter(drafts=True), limit=9)
    assert [row.event for row in public] == ["free"]
    own, _ = await store.catalog.list_events(
        EventFilter(drafts=True, organisation="org"), limit=9
    )
    assert [(row.event, row.organisation) for row in own] == [("own", "org")]
    assert (await store.catalog.find_plan("own")).organisation == "org"
    assert (await store.catalog.find_plan("free")).organisation is None


async def test_an_organisation_has_so_many_events_and_no_more(store):
    store.catalog = Catalog(store.pool, Quotas(events=2))
    await registered(store.pool, "anna")
    await organised(store.pool, anna="owner")

    async def make(event, organisation="org"):
        return await store.catalog.create_event(
            event,
            SETTINGS,
            capacity=10,
            created_by="usr_anna",
            request_hash=b"h",
            organisation=organisation,
        )

    first = await make("a")
    await make("b")
    with pytest.raises(TooMany):
        await make("c")
    assert await store.catalog.find_venue("c") is None
    # The same again is not another one, and who has none is not counted.
    assert (await make("a")).event == first.event
    await make("free", None)
    await store.pool.fetch("UPDATE event SET deleted_at = now() WHERE event_id = 'b'")
    await make("c")


async def test_a_venue_is_made_for_an_organisation_that_has_not_too_many(
    store, organisations
):
    store.catalog = Catalog(store.pool, Quotas(venues=2))
    await registered(store.pool, "anna")
    await organised(store.pool, anna="owner")

    async def make(venue, organisation="org"):
        return await store.catalog.create_venue(
            venue,
            "Hall",
            VENUE,
            created_by="usr_anna",
            request_hash=b"h",
            organisation=organisation,
        )

    first = await make("ven0")
    await make("ven1")
    assert (await store.catalog.find_venue("ven0")).organisation == "org"
    with pytest.raises(TooMany):
        await make("ven2")
    assert await make("ven0") == first
    assert (await make("free", None)).organisation is None
    for none in ("none", ""):
        with pytest.raises(KeyError):
            await make("ven3", none)
    store.catalog = Catalog(store.pool)
    await organisations.delete("org")
    with pytest.raises(KeyError):
        await make("ven4")
    assert await make("ven0") == first


async def test_who_leads_an_organisation_leads_any(store, organisations):
    await registered(store.pool, "anna", "bert", "carl", "dora")
    await organised(store.pool, anna="owner", bert="leader", carl="staff")
    leads = [await organisations.leads_any(f"usr_{n}") for n in ("anna", "bert")]
    assert leads == [True, True]
    others = [await organisations.leads_any(f"usr_{n}") for n in ("carl", "dora")]
    assert others == [False, False]
    await organisations.delete("org")
    assert not await organisations.leads_any("usr_anna")
