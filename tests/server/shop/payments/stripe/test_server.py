"""A server that is paid through Stripe, whose twin is on a socket beside it."""

import asyncio

import pytest
import pytest_asyncio

from tests.database import drop_database, make_database
from tests.server.conftest import ADMIN, Client, run_server
from tests.server.shop.orders.world import BUYER, EVENT
from tests.server.shop.payments.stripe.twin import (
    KEY,
    OTHER_SECRET,
    SECRET,
    StripeTwin,
    signed,
    twin_of_stripe,
)

pytestmark = [pytest.mark.postgres, pytest.mark.asyncio(loop_scope="module")]
HOOK = "/v1/payments/stripe/webhook"


class Stand:
    """A server that the tests of this file share, its Stripe, and who sells there."""

    def __init__(self, nobody: Client, seller: Client, twin: StripeTwin) -> None:
        self.nobody, self.seller, self.twin = nobody, seller, twin


@pytest.fixture(scope="module")
def file_database_url(server_url, database_template):
    url = make_database(server_url, database_template)
    yield url
    drop_database(server_url, url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(file_database_url, tmp_path_factory):
    async with twin_of_stripe() as twin:
        settings = {
            "payments": "stripe",
            "stripe_key": KEY,
            "stripe_webhook_secret": f"{OTHER_SECRET} {SECRET}",
            "stripe_url": twin.url,
            "unsafe": True,
            "rate_limits": "off",
            "data_dir": str(tmp_path_factory.mktemp("data")),
        }
        async for nobody in run_server(file_database_url, **settings):
            token = await nobody.good("POST", "/v1/auth/login", ADMIN)
            yield Stand(nobody, nobody.as_(token["access_token"]), twin)


@pytest_asyncio.fixture(loop_scope="module")
async def sold(stand):
    """An order of two places, which waits to be paid."""
    buyer = await guest_of(stand.nobody)
    order = await order_of(stand.seller, buyer)
    return Sold(stand, buyer, order)


class Sold:
    def __init__(self, stand: Stand, buyer: Client, order) -> None:
        self.stand, self.buyer, self.order = stand, buyer, order
        self.twin = stand.twin
        self.ref = list(stand.twin.sessions)[-1]
        self.total = order["total"]["amount"]

    async def pay(self) -> None:
        """Pay, and have the shop told of it."""
        self.twin.pay(self.ref)
        assert await self.tell("checkout.session.completed", self.session) == 200
        await self.becomes(status="confirmed")

    @property
    def session(self):
        return self.twin.sessions[self.ref]

    async def tell(self, kind: str, about) -> int:
        return await tell(self.stand.nobody, self.twin.event(kind, about))

    async def becomes(self, **what):
        """Wait until the order is so."""
        async with asyncio.timeout(30):
            while True:
                path = f"/v1/orders/{self.order['id']}"
                found = await self.buyer.good("GET", path)
                if {name: found[name] for name in what} == what:
                    return found
                await asyncio.sleep(0.02)

    async def sums(self):
        """Return the sums of the event; whether they add up is checked."""
        path = f"/v1/events/{self.order['event']['id']}/money"
        money = await self.stand.seller.good("GET", path)
        assert money["ok"], money
        (sums,) = money["currencies"]
        return sums

    async def refund(self, session: str | None = None):
        """Wait for the refund of a session that the shop asks for; return it."""
        intent = self.twin.sessions[session or self.ref]["payment_intent"]
        async with asyncio.timeout(30):
            while True:
                for one in self.twin.refunds.values():
                    if one["payment_intent"] == intent:
                        return one
                await asyncio.sleep(0.02)


async def guest_of(nobody: Client) -> Client:
    token = await nobody.good("POST", "/v1/auth/guest")
    return nobody.as_(token["access_token"])


async def order_of(seller: Client, buyer: Client):
    """Put an event on sale and order two places of it."""
    return await buyer.good("POST", "/v1/orders", await hold_of(seller, buyer))


async def hold_of(seller: Client, buyer: Client):
    """Put an event on sale and hold two places of it; return what orders them."""
    event = (await seller.good("POST", "/v1/events", EVENT))["id"]
    await seller.good("POST", f"/v1/events/{event}/publish")
    hold = await buyer.good(
        "POST", f"/v1/events/{event}/commands", {"op": "hold", "areas": {"GA": 2}}
    )
    return {"event": event, "hold": hold["hold"], "buyer": BUYER}


async def tell(nobody: Client, body: bytes, signature: str | None = None) -> int:
    """Send a webhook as Stripe does; return the status."""
    headers = {
        "Stripe-Signature": signature or signed(body),
        "Content-Type": "application/json; charset=utf-8",
    }
    async with nobody.session.post(
        nobody.url + HOOK, data=body, headers=headers
    ) as answer:
        return int(answer.status)


async def test_an_order_is_paid_and_given_back_by_hand(sold):
    twin, nobody, session = sold.twin, sold.stand.nobody, sold.session
    assert sold.order["payment"]["url"] == session["url"]
    assert session["client_reference_id"] == sold.order["id"]
    assert session["amount_total"] == sold.total

    twin.pay(sold.ref)
    body = twin.event("checkout.session.completed", session)
    assert await tell(nobody, body, signed(body, "whsec_somebody_else")) == 400
    assert await tell(nobody, body, signed(body, at_s=1)) == 400
    assert [await tell(nobody, body) for _ in range(3)] == [200] * 3
    await sold.becomes(status="confirmed")

    # Stripe names what moved the money alone.
    by_hand = twin.refund_in_dashboard(sold.ref, 500)
    assert await sold.tell("refund.created", by_hand) == 200
    await sold.becomes(refund="part")
    sums = await sold.sums()
    assert (sums["returned"], sums["outside"]) == (500, 500)

    # What the account is used for besides is no business of ours, and no error.
    strange = {**by_hand, "id": "re_9", "payment_intent": "pi_9"}
    assert await sold.tell("refund.created", strange) == 200
    foreign = {**session, "metadata": {}, "mode": "subscription", "currency": None}
    assert await sold.tell("checkout.session.completed", foreign) == 200
    assert await sold.tell("customer.created", {"id": "cus_1"}) == 200


async def test_what_stripe_cannot_be_asked_about_is_told_again_later(sold):
    await sold.pay()
    by_hand = sold.twin.refund_in_dashboard(sold.ref, 500)
    told = sold.twin.event("refund.created", by_hand)
    sold.twin.away = True
    try:
        assert await tell(sold.stand.nobody, told) == 503
    finally:
        sold.twin.away = False
    assert await tell(sold.stand.nobody, told) == 200
    await sold.becomes(refund="part")


async def test_a_cancelled_order_has_its_money_back_once(sold):
    await sold.pay()
    await sold.buyer.good("POST", f"/v1/orders/{sold.order['id']}/cancel")
    await sold.becomes(status="refunded")
    refund = await sold.refund()
    assert refund["amount"] == sold.total
    assert refund["metadata"]["session"] == sold.ref
    for kind in ("refund.created", "refund.updated"):
        assert await sold.tell(kind, refund) == 200
    sums = await sold.sums()
    assert (sums["returned"], sums["due"], sums["outside"]) == (sold.total, 0, 0)


async def test_a_refund_that_fails_later_is_due(sold):
    await sold.pay()
    sold.twin.refund_status = "pending"
    try:
        await sold.buyer.good("POST", f"/v1/orders/{sold.order['id']}/cancel")
        refund = await sold.refund()
    finally:
        sold.twin.refund_status = "succeeded"
    await sold.becomes(status="refunded")
    refund.update(status="failed", failure_reason="expired_or_canceled_card")
    assert await sold.tell("refund.failed", refund) == 200
    sums = await sold.sums()
    assert (sums["returned"], sums["due"]) == (0, sold.total)


async def test_what_is_not_paid_in_time_is_ended_at_stripe(sold):
    await sold.buyer.good("POST", f"/v1/orders/{sold.order['id']}/cancel")
    await sold.becomes(status="cancelled")
    assert sold.session["status"] == "expired"
    assert await sold.tell("checkout.session.expired", sold.session) == 200


async def test_what_was_paid_and_not_told_of_is_found_when_it_is_to_end(sold):
    """Its buyer paid in one tab and left in another, and no webhook came."""
    sold.twin.pay(sold.ref)
    await sold.buyer.post(f"/v1/orders/{sold.order['id']}/cancel")
    await sold.becomes(status="confirmed", refund="none")
    assert (await sold.sums())["captured"] == sold.total


async def test_an_order_whose_session_was_lost_has_it_when_it_is_asked_for_again(stand):
    buyer, twin = await guest_of(stand.nobody), stand.twin
    known = len(twin.sessions)
    asked = await hold_of(stand.seller, buyer)
    twin.accidents = [(500, "", True)]
    first = await buyer.post("/v1/orders", asked)
    assert (first.status, first.body["code"]) == (503, "provider_unavailable")
    again = await buyer.good("POST", "/v1/orders", asked)
    (session,) = list(twin.sessions.values())[known:]
    assert again["payment"]["url"] == session["url"]


async def test_an_attempt_that_was_paid_twice_is_given_back_once(sold):
    await sold.pay()
    twin, session = sold.twin, sold.session
    twin.sessions["cs_test_twice"] = {
        **session,
        "id": "cs_test_twice",
        "status": "open",
        "payment_status": "unpaid",
    }
    twin.pay("cs_test_twice")
    second = twin.sessions["cs_test_twice"]
    for _ in range(2):
        assert await sold.tell("checkout.session.completed", second) == 200
    back = await sold.refund("cs_test_twice")
    assert await sold.tell("refund.updated", back) == 200
    of_it = [
        one
        for one in twin.refunds.values()
        if one["payment_intent"] == second["payment_intent"]
    ]
    assert of_it == [back]
    assert (back["amount"], back["metadata"]["session"]) == (sold.total, second["id"])
    found = await sold.becomes(status="confirmed", refund="none")
    assert found["total"]["amount"] == sold.total
    sums = await sold.sums()
    assert (sums["captured"], sums["returned"]) == (2 * sold.total, sold.total)
    assert (sums["due"], sums["outside"]) == (0, 0)


async def test_a_dispute_is_told_to_who_sells_and_a_lost_one_takes_the_money(sold):
    await sold.pay()
    seller, twin = sold.stand.seller, sold.twin
    dispute = twin.dispute(sold.ref)
    for _ in range(2):
        assert await sold.tell("charge.dispute.created", dispute) == 200
    path = f"/v1/orders/{sold.order['id']}"
    (attempt,) = (await seller.good("GET", path))["attempts"]
    assert attempt["disputed"] == "open"
    dispute["status"] = "lost"
    assert await sold.tell("charge.dispute.closed", dispute) == 200
    # It came first and is told again, late: what is decided stays.
    opened = {**dispute, "status": "under_review"}
    assert await sold.tell("charge.dispute.created", opened) == 200
    shown = await seller.good("GET", path)
    assert [one["disputed"] for one in shown["attempts"]] == ["lost"]
    assert (shown["status"], shown["refund"], shown["due"]) == (
        "confirmed",
        "full",
        None,
    )
    sums = await sold.sums()
    assert (sums["returned"], sums["outside"], sums["due"]) == (
        sold.total,
        sold.total,
        0,
    )
    told = [
        one["data"]["state"]
        for one in (await seller.good("GET", "/v1/notices"))["items"]
        if one["kind"] == "payment_disputed"
        and one["data"]["order"] == sold.order["id"]
    ]
    assert told == ["lost", "open"]
    # The confirmation comes when it does; of the dispute its buyer is told nothing.
    buyers = (await sold.buyer.good("GET", "/v1/notices"))["items"]
    assert {one["kind"] for one in buyers} <= {"order_confirmed"}


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ({"amount": 45_000, "currency": "LYD"}, "Stripe does not charge LYD."),
        ({"amount": 4_550, "currency": "MGA"}, "4550 MGA has no number at Stripe."),
    ],
)
async def test_a_price_that_stripe_does_not_charge_cannot_be_published(
    stand, price, said
):
    priced = {**EVENT, "prices": {"GA": price}}
    event = (await stand.seller.good("POST", "/v1/events", priced))["id"]
    answer = await stand.seller.post(f"/v1/events/{event}/publish")
    assert (answer.status, answer.body["code"]) == (409, "wrong_state")
    assert answer.body["detail"].endswith(said)
    free = {"payment": "none"}
    await stand.seller.good("PATCH", f"/v1/events/{event}", free)
    await stand.seller.good("POST", f"/v1/events/{event}/publish")
    paid = {"payment": "required"}
    late = await stand.seller.send("PATCH", f"/v1/events/{event}", paid)
    assert (late.status, late.body["errors"][0]["field"]) == (422, "prices")


async def test_health_tells_that_nobody_has_money_there(sold):
    part = (await sold.stand.nobody.good("GET", "/health"))["parts"]["payments"]
    told = part["status"], part["provider"], part["test"]
    assert told == ("ok", "stripe", True)
