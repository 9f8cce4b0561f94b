"""Whoever is large, or names large numbers, is in nobody's way."""

import asyncio

import pytest

from tests.contract.client import Api, Json, after, check_problem
from tests.contract.teams import Team, booked, sale_of, team

pytestmark = pytest.mark.attack

ROOM: Json = {
    "name": "Room",
    "exclusive": True,
    "map": {"categories": [{"key": "1"}], "seats": [{"category": "1", "number": 1}]},
}
AREA: Json = {"label": "Floor", "capacity": 3, "category": "1"}
PRICE_MAX = 10**11


async def room_of(api: Api, owner: Team, **fields: object) -> str:
    body = ROOM | {"organisation": owner.id} | fields
    return str((await api.good("POST", "/v1/venues", body, who=owner.owner))["id"])


async def plan(api: Api, venue: str, whose: Team, days: int = 30) -> Json:
    body = {
        "name": "Month",
        "venue": venue,
        "organisation": whose.id,
        "starts_at": after(days=days),
        "ends_at": after(days=days + 30),
    }
    answer = await api.request("POST", "/v1/events", body, who=whose.owner)
    if answer.status == 201:
        assert isinstance(answer.body, dict)
        return answer.body
    return check_problem(answer, 403)


async def publish(api: Api, event: Json, whose: Team) -> int:
    path = f"/v1/events/{event['id']}/publish"
    return (await api.request("POST", path, who=whose.owner)).status


async def test_a_stranger_plans_nothing_at_an_exclusive_venue(api):
    """A stranger's draft takes no time of my hall: none is let in."""
    owner, stranger = await team(api), await team(api)
    venue = await room_of(api, owner)
    assert (await plan(api, venue, stranger))["code"] == "forbidden"
    mine = await plan(api, venue, owner)
    assert await publish(api, mine, owner) == 200


async def test_a_partner_s_drafts_take_no_time_until_one_is_published(api):
    """Ten drafts of a partner leave my hall free; the first published has it."""
    owner, partner = await team(api), await team(api)
    venue = await room_of(api, owner, planners=[partner.id])
    drafts = [await plan(api, venue, partner, days) for days in range(30, 40)]
    mine = await plan(api, venue, owner)
    assert await publish(api, mine, owner) == 200
    assert await publish(api, drafts[0], partner) == 409
    await api.good("DELETE", f"/v1/events/{mine['id']}", who=owner.owner)
    assert await publish(api, drafts[0], partner) == 200
    assert await publish(api, drafts[1], partner) == 409


async def test_a_partner_who_is_none_any_more_publishes_nothing(api):
    """A draft that was planned while it was allowed is not published after."""
    owner, partner = await team(api), await team(api)
    venue = await room_of(api, owner, planners=[partner.id])
    draft = await plan(api, venue, partner)
    patch: dict[str, list[str]] = {"planners": []}
    await api.good("PATCH", f"/v1/venues/{venue}", patch, who=owner.owner)
    assert await publish(api, draft, partner) == 403
    copy = f"/v1/events/{draft['id']}/duplicate"
    answer = await api.request("POST", copy, {}, who=partner.owner)
    assert check_problem(answer, 403)["code"] == "forbidden"


async def test_strangers_events_keep_no_hall_from_becoming_exclusive(api):
    """Two events of strangers that overlap do not keep my hall open to all."""
    owner, stranger = await team(api), await team(api)
    venue = await room_of(api, owner, exclusive=False)
    for _ in range(2):
        assert await publish(api, await plan(api, venue, stranger), stranger) == 200
    patch = {"exclusive": True}
    await api.good("PATCH", f"/v1/venues/{venue}", patch, who=owner.owner)
    assert await publish(api, await plan(api, venue, owner), owner) == 200


async def test_a_stranger_s_draft_keeps_no_map_from_being_drawn_anew(api):
    """A draft at my hall keeps me from neither changing nor deleting it."""
    owner, stranger = await team(api), await team(api)
    venue = await room_of(api, owner, exclusive=False)
    draft = await plan(api, venue, stranger)
    drawn = {"map": ROOM["map"] | {"areas": [{**AREA}]}}
    shown = await api.good("PATCH", f"/v1/venues/{venue}", drawn, who=owner.owner)
    assert shown["areas"] == 1
    assert await publish(api, draft, stranger) == 409
    await api.good("DELETE", f"/v1/venues/{venue}", who=owner.owner)


async def test_of_publications_at_once_at_an_exclusive_venue_one_is_let_in(api):
    """Of eight drafts for one evening that are published at once, one is."""
    owner = await team(api)
    venue = await room_of(api, owner)
    drafts = [await plan(api, venue, owner) for _ in range(8)]
    answers = await asyncio.gather(*(publish(api, one, owner) for one in drafts))
    assert sorted(answers) == [200] + 7 * [409]


async def test_a_draft_that_moves_while_it_is_published_has_its_own_time(api):
    """Whether it is moved or published first, the time is that of the event."""
    owner = await team(api)
    venue = await room_of(api, owner)
    for round_ in range(4):
        draft = await plan(api, venue, owner, 100 * (round_ + 1))
        path = f"/v1/events/{draft['id']}"
        times = {
            "starts_at": after(days=100 * (round_ + 1) + 40),
            "ends_at": after(days=100 * (round_ + 1) + 50),
        }
        moved, status = await asyncio.gather(
            api.request("PATCH", path, times, who=owner.owner),
            publish(api, draft, owner),
        )
        assert (moved.status, status) == (200, 200)
        rival = await plan(api, venue, owner, 100 * (round_ + 1) + 45)
        assert await publish(api, rival, owner) == 409
        free = await plan(api, venue, owner, 100 * (round_ + 1))
        assert await publish(api, free, owner) == 200


@pytest.mark.parametrize("amount", [PRICE_MAX + 1, 10**12, 2**63, 10**30])
async def test_no_price_is_beyond_the_highest(api, amount):
    """A price beyond the highest is a bad field, in whatever way it is given."""
    price = {"amount": amount, "currency": "EUR"}
    body = {"name": "x", "capacity": 5, "starts_at": after(days=3)}
    new = body | {"prices": {"GA": price}}
    answer = await api.request("POST", "/v1/events", new, who=api.admin)
    (fault,) = check_problem(answer, 422)["errors"]
    assert fault["field"] == "prices.GA.amount"
    event = (await api.draft(None, capacity=5))["id"]
    patch = {"prices": {"GA": price}}
    answer = await api.request("PATCH", f"/v1/events/{event}", patch, who=api.admin)
    assert check_problem(answer, 422)["errors"][0]["field"] == "prices.GA.amount"


async def test_the_highest_prices_are_booked_counted_and_audited(api):
    """A hundred places at the highest price cost what they cost, on every page."""
    one = await team(api)
    price = {"amount": PRICE_MAX, "currency": "EUR"}
    limits = {"max_per_booking": 100, "max_per_user": 1_000}
    event = await sale_of(api, one, capacity=1_000, prices={"GA": price}, **limits)
    buyer = await api.guest()
    total = {"amount": 100 * PRICE_MAX, "currency": "EUR"}
    made = {}
    for _ in range(3):
        held = await api.ok(event, buyer, "hold", areas={"GA": 100})
        assert held["total"] == total
        keyed = {"hold": held["hold"], "total": total}
        made = await api.ok(event, buyer, "book", **keyed)
        assert made["total"] == total
    await api.ok(event, buyer, "cancel", booking=made["booking"])
    path = f"/v1/events/{event}/analytics"
    async with asyncio.timeout(60):
        while True:
            shown = await api.good("GET", path, who=one.owner)
            if shown["cancellations"]:
                break
            await asyncio.sleep(0.1)
    assert shown["revenue"] == [{**total, "amount": 300 * PRICE_MAX}]
    assert shown["refunded"] == [total]
    audit = await api.audit(event)
    assert audit["revenue"] == [{**total, "amount": 200 * PRICE_MAX}]
    await booked(api, event, await api.guest())
