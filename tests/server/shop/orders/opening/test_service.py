"""How long what opens an order lasts, and how often it may be tried."""

import asyncio

import pytest

from persistence.shop.orders.listing import forget_orders
from persistence.shop.orders.openings import (
    TOKENS_MAX,
    WAITING_MAX,
    Openings,
    put_links,
)
from server.base.refusals.refusals import CODE_INVALID, Refusal
from server.shop.orders.opening import service as module
from server.shop.orders.opening.service import OpeningService
from server.transport.mail.codes import hash_of_code
from server.transport.ratelimit.meter import Meter, RateLimited
from server.transport.ratelimit.request_limits import (
    WRONG_SECRETS_BURST,
    RequestLimits,
)

pytestmark = pytest.mark.postgres

LINK = "the secret of a link"
FREE = Meter(None, "client", None, lambda verdict: None)


@pytest.fixture
async def opening(shop, monkeypatch):
    monkeypatch.setattr(module, "LOOKED_UP_S", 0)
    return OpeningService(Openings(shop.pool))


async def linked(shop, secret=LINK):
    """Return an order with a link."""
    order = await shop.begin()
    async with shop.pool.transaction() as connection:
        await put_links(connection, {order: hash_of_code(secret)})
    return order


async def codes(shop):
    rows = await shop.pool.fetch(
        "SELECT data ->> 'code' AS code FROM mail ORDER BY created_at"
    )
    return [row["code"] for row in rows]


async def test_a_code_is_mailed_and_good_once_though_two_use_it(shop, opening):
    order = await shop.begin()
    await opening.look_up("ref1", "olga@EXAMPLE.org", FREE)
    (code,) = await codes(shop)
    (mail,) = await shop.pool.fetch("SELECT recipient, kind, data::text FROM mail")
    assert (mail["recipient"], mail["kind"]) == ("olga@example.org", "order_opening")
    assert order in mail["data"]
    assert "REF1" in mail["data"]
    found = await asyncio.gather(
        *(opening.open(order, code, FREE) for _ in range(8)), return_exceptions=True
    )
    good = [one for one in found if not isinstance(one, BaseException)]
    assert len(good) == 1
    opener = await opening.identify(good[0].access_token)
    assert (opener.user, opener.role, opener.order) == (order, "order", order)
    assert code not in repr(good[0])


async def test_nothing_is_mailed_where_only_one_of_both_fits(shop, opening):
    await shop.begin()
    await shop.pool.fetch("UPDATE orders SET reference = 'REF9', buyer = '{}'")
    await shop.begin()
    await opening.look_up("REF2", "eve@example.org", FREE)
    await opening.look_up("REF3", "olga@example.org", FREE)
    # Nobody is known to read the mails of this one.
    await opening.look_up("REF9", "olga@example.org", FREE)
    await opening.look_up("REF9", "", FREE)
    assert await codes(shop) == []
    assert await shop.pool.fetch("SELECT FROM order_opening") == []


async def test_an_address_has_few_codes_waiting(shop, opening):
    for _ in range(2):
        await shop.begin()
    asked = [("ref1", "olga@example.org"), ("ref2", "olga@example.org")] * WAITING_MAX
    await asyncio.gather(*(opening.look_up(*one, FREE) for one in asked))
    assert len(await codes(shop)) == WAITING_MAX
    await shop.pool.fetch("UPDATE order_opening SET expires_at = now()")
    await opening.look_up("ref1", "olga@example.org", FREE)
    assert len(await codes(shop)) == WAITING_MAX + 1


async def test_a_lookup_counts_as_a_mail_whatever_fits(shop, opening):
    await shop.begin()
    meter = Meter(RequestLimits(), "192.0.2.1", None, lambda verdict: None)
    for _ in range(5):
        await opening.look_up("none", "olga@example.org", meter)
    with pytest.raises(RateLimited):
        await opening.look_up("ref1", "olga@example.org", meter)
    assert await codes(shop) == []


async def test_guesses_are_counted_and_the_right_secret_is_not_refused(shop, opening):
    order = await linked(shop)
    meter = Meter(RequestLimits(), "192.0.2.1", None, lambda verdict: None)
    for number in range(WRONG_SECRETS_BURST):
        with pytest.raises(Refusal) as refusal:
            await opening.open(order, f"guess {number}", meter)
        assert refusal.value.kind == CODE_INVALID
    with pytest.raises(RateLimited):
        await opening.open(order, "guess", meter)
    assert (await opening.open(order, LINK, meter)).order == order


async def test_all_of_it_ends_30_days_after_the_event(shop, opening):
    order = await linked(shop)
    opened = await opening.open(order, LINK, FREE)

    async def ended(days):
        sql = (
            "UPDATE event SET settings = settings || jsonb_build_object('ends_at_ms',"
            " (extract(epoch FROM now() - $1 * interval '1 day') * 1000)::bigint)"
        )
        await shop.pool.fetch(sql, days)

    await ended(29.9)
    assert await opening.identify(opened.access_token) is not None
    # A token does not outlast it.
    assert (await opening.open(order, LINK, FREE)).expires_in < 3 * 3_600
    await opening._store.forget()
    assert await opening.identify(opened.access_token) is not None
    await ended(30.1)
    assert await opening.identify(opened.access_token) is None
    with pytest.raises(Refusal):
        await opening.open(order, LINK, FREE)
    await opening._store.forget()
    rows = await shop.pool.fetch("SELECT kind FROM order_opening")
    assert {row["kind"] for row in rows} == {"token"}


async def test_an_order_has_one_link_and_few_tokens(shop, opening):
    order = await linked(shop)
    async with shop.pool.transaction() as connection:
        await put_links(connection, {order: hash_of_code("another")})
    with pytest.raises(Refusal):
        await opening.open(order, "another", FREE)
    opened = [await opening.open(order, LINK, FREE) for _ in range(TOKENS_MAX + 1)]
    assert await opening.identify(opened[0].access_token) is None
    assert await opening.identify(opened[1].access_token) is not None
    assert opening.knows(opened[1].access_token)
    assert not opening.knows(opened[0].access_token)


async def test_who_is_forgotten_leaves_nothing_that_opens_an_order(shop, opening):
    order = await linked(shop)
    opened = await opening.open(order, LINK, FREE)
    async with shop.pool.transaction() as connection:
        await forget_orders(connection, "olga")
    assert await opening.identify(opened.access_token) is None
    with pytest.raises(Refusal):
        await opening.open(order, LINK, FREE)
