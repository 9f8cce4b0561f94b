"""Who opens an order elsewhere: what a link and a code are good for, and what not."""

import asyncio

import aiohttp
import pytest
import pytest_asyncio

from server.app import ROUTES
from server.base.access import ONE_ORDER, admit
from server.base.identity import Opener
from tests.server.shop.orders.world import BUYER, standing

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]

URL = "https://tickets.example.org"
AT_THE_DOOR = {"payment": "none", "fees": {}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(file_database_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    async with standing(file_database_url, folder, public_url=URL) as stand:
        yield stand


@pytest_asyncio.fixture(loop_scope="module")
async def world(stand):
    return await stand.world(**AT_THE_DOOR)


async def there(pool, sql, value):
    """Return the rows of mails that speak of something, once there are some."""
    async with asyncio.timeout(20):
        while True:
            rows = await pool.fetch(sql, value)
            if rows:
                return rows
            await asyncio.sleep(0.02)


async def letter_of(pool, order, kind="order_confirmed", part="secret"):
    """Return the secret that the one mail of a kind about an order is to carry."""
    sql = (
        f"SELECT data ->> '{part}' AS secret FROM mail"
        f" WHERE kind = '{kind}' AND data ->> 'reference' = $1"
    )
    (row,) = await there(pool, sql, order["reference"])
    assert row["secret"]
    return row["secret"]


async def bought(world, pool):
    """Return a buyer, their order, and the secret of its letter."""
    buyer = await world.guest()
    order = await world.order(buyer, 1, buyer=BUYER)
    return buyer, order, await letter_of(pool, order)


async def open_with(world, order, secret):
    path = f"/v1/orders/{order['id']}/open"
    return await world.nobody.post(path, {"secret": secret})


async def opener_of(world, order, secret):
    opened = await open_with(world, order, secret)
    assert opened.status == 200, opened
    assert opened.body["order"] == order["id"]
    assert opened.body["expires_in"] == 43_200
    return world.nobody.as_(opened.body["access_token"])


async def test_the_link_of_the_letter_opens_the_order_and_its_tickets(world, pool):
    buyer, order, secret = await bought(world, pool)
    opener = await opener_of(world, order, secret)
    own = await buyer.good("GET", f"/v1/orders/{order['id']}")
    assert await opener.good("GET", f"/v1/orders/{order['id']}") == own
    (ticket,) = own["tickets"]
    assert ticket["code"] is not None
    path = f"/v1/tickets/{ticket['ticket']}"
    shown = await opener.good("GET", path)
    assert shown == await buyer.good("GET", path)
    assert shown["code"] == ticket["code"]
    for form in (".svg", "/wallet.json"):
        assert (await opener.get(path + form)).status == 200, form
    # The link is good again, and cancels, with what comes back told before and after.
    again = await opener_of(world, order, secret)
    refunds = f"/v1/orders/{order['id']}/refunds"
    told = await again.good("POST", f"{refunds}/preview", {"lines": [1]})
    assert [one["line"] for one in told["lines"]] == [1]
    assert (await again.good("GET", refunds))["items"] == []
    gone = await again.post(f"/v1/orders/{order['id']}/cancel")
    assert (gone.status, gone.body["status"]) == (200, "cancelled")
    assert (await opener.get(f"/v1/orders/{order['id']}")).body["status"] == "cancelled"


async def test_who_opened_an_order_has_nothing_else(world, pool):
    buyer, order, secret = await bought(world, pool)
    other = await world.order(buyer, 1, buyer=BUYER)
    opener = await opener_of(world, order, secret)
    for method, path, body in (
        ("GET", "/v1/orders", None),
        ("GET", "/v1/tickets", None),
        ("GET", "/v1/bookings", None),
        ("GET", "/v1/me", None),
        ("GET", f"/v1/orders/reference/{order['reference']}", None),
        ("POST", f"/v1/orders/{order['id']}/payments", None),
        ("POST", "/v1/orders", {"event": world.event, "hold": "h"}),
        ("POST", f"/v1/events/{world.event}/commands", {"op": "holding"}),
        ("GET", f"/v1/events/{world.event}/orders", None),
    ):
        refused = await opener.send(method, path, body)
        assert (refused.status, refused.body["code"]) == (403, "forbidden"), path
        assert refused.body["detail"] == ONE_ORDER
    for path in (f"/v1/orders/{other['id']}", "/v1/orders/ord_none"):
        hidden = await opener.get(path)
        assert (hidden.status, hidden.body["code"]) == (404, "order_not_found")
        hidden = await opener.get(f"{path}/refunds")
        assert (hidden.status, hidden.body["code"]) == (404, "order_not_found")
        hidden = await opener.post(f"{path}/cancel")
        assert (hidden.status, hidden.body["code"]) == (404, "order_not_found")
    # Its letter comes after its tickets.
    await letter_of(pool, other)
    found = await buyer.good("GET", f"/v1/orders/{other['id']}")
    (foreign,) = found["tickets"]
    for form in ("", ".svg", "/wallet.json"):
        hidden = await opener.get(f"/v1/tickets/{foreign['ticket']}{form}")
        assert (hidden.status, hidden.body["code"]) == (404, "ticket_not_found"), form
    headers = {"Authorization": f"Bearer {opener.token}"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await opener.session.ws_connect(f"{opener.url}/v1/ws", headers=headers)
    assert refusal.value.status == 401
    # Nor is a secret good for another order.
    assert (await open_with(world, other, secret)).status == 409


async def test_no_route_lets_in_who_opened_an_order_unless_it_says_so():
    opener = Opener("ord_1", "order", 1 << 33, order="ord_1")
    let_in = set()
    for route in ROUTES:
        if route.access in ("operational", "anonymous"):
            continue
        if admit(route.access, route.scope, opener, opened=route.opened) is None:
            let_in.add(route.name)
    assert let_in == {
        "show_order",
        "cancel_order",
        "list_refunds",
        "preview_refund",
        "show_ticket",
        "show_ticket_qr",
        "show_ticket_pdf",
        "show_ticket_wallet",
        "show_order_pdf",
    }


async def test_a_lookup_says_the_same_whatever_fits(world, pool):
    _, order, letter = await bought(world, pool)
    where = {"reference": order["reference"].lower(), "email": " OLGA@example.org"}
    answers = [
        await world.nobody.post("/v1/orders/lookup", body)
        for body in (
            where,
            {**where, "email": "eve@example.org"},
            {**where, "reference": "NONE00"},
        )
    ]
    assert {(one.status, str(one.body)) for one in answers} == {
        (202, "{'status': 'accepted'}")
    }
    code = await letter_of(pool, order, "order_opening", "code")
    assert code != letter
    opener = await opener_of(world, order, code)
    assert (await opener.get(f"/v1/orders/{order['id']}")).status == 200
    for wrong in (code, "x", letter + "x"):
        refused = await open_with(world, order, wrong)
        assert (refused.status, refused.body["code"]) == (409, "code_invalid"), wrong
    nothing = await open_with(world, {"id": "ord_none"}, letter)
    assert (nothing.status, nothing.body["code"]) == (409, "code_invalid")
    bad = await world.nobody.post("/v1/orders/lookup", {**where, "email": "none"})
    assert (bad.status, bad.body["errors"][0]["field"]) == (422, "email")
    # Nothing that opens an order is stored, nor noted.
    kept = await pool.fetch("SELECT o::text AS row FROM order_opening o")
    log = await world.seller.good("GET", "/v1/activity?limit=200")
    for secret in (code, letter, opener.token):
        assert not any(secret in row["row"] for row in kept)
        assert secret not in str(log)


async def test_a_token_that_opens_nothing_is_told(world):
    stranger = world.nobody.as_("oot_nothing")
    refused = await stranger.get("/v1/orders/ord_none")
    assert (refused.status, refused.body["code"]) == (401, "unauthenticated")
