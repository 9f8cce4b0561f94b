"""What organisers are told of orders that were really paid, and of a sale."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from inventory.commands import ChangeSale
from persistence.followers.passes import Passes
from persistence.people.hooks.hooks import Hooks, NewHook
from persistence.shop.hooks import known_state
from server.live.actors.registry import ask
from server.shop.hooks.follower import HookFollower
from server.shop.orders import facts
from server.shop.tickets.follower import TicketFollower
from server.shop.tickets.keyring import Keyring, Vault
from tests.persistence.persons import organised, registered
from tests.server.shop.orders.shop import Shop, open_shop


class Told:
    """A shop of an organisation with a hook, and who follows."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.passes = Passes(shop.pool)
        vault = Vault(["a secret of at least thirty-two bytes"])
        self.tickets = TicketFollower(Keyring(shop.pool, vault))
        self.hooks = HookFollower()

    async def hook(self, *types: str) -> None:
        new = NewHook(
            "hook",
            "org",
            "https://hooks.example.org",
            "",
            [*types],
            "standard",
            b"s",
            "usr",
            b"",
        )
        await Hooks(self.shop.pool, 9).create(new)

    async def follow(self) -> None:
        while (await self.passes.step(self.tickets, "evt")).versions:
            pass
        while (await self.passes.step(self.hooks, "evt", "tickets")).versions:
            pass

    async def order(self, places: int = 1) -> str:
        """Return an order of the organisation that waits to be paid."""
        order = await self.shop.priced(places)
        sql = "UPDATE orders SET organisation_id = 'org' WHERE order_id = $1"
        await self.shop.pool.fetch(sql, order)
        return order

    async def buy(self, places: int = 1) -> str:
        order = await self.order(places)
        await self.shop.pay(order)
        await self.shop.deliver()
        await self.shop.settle()
        assert (await self.shop.state(order)).status == "confirmed"
        return order

    async def heard(self) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.shop.pool.fetch(
            "SELECT body FROM hook_delivery ORDER BY number"
        )
        bodies = [msgspec.json.decode(row["body"]) for row in rows]
        return [(body["type"], body["data"]) for body in bodies]

    async def do(self, command: Any) -> None:
        local = await self.shop.registry.find("evt")
        reply = await ask(local, command, "usr", True, None)
        assert not hasattr(reply, "code"), reply


@pytest.fixture
async def told(database_url, tmp_path) -> AsyncIterator[Told]:
    async with open_shop(database_url, tmp_path) as shop:
        await registered(shop.pool, "olga")
        await organised(shop.pool, olga="owner")
        # It is loaded before it is the organisation's, whose members nobody knows here.
        await shop.registry.find("evt")
        await shop.pool.fetch("UPDATE event SET organisation_id = 'org'")
        yield Told(shop)


async def test_a_paid_order_is_told_with_each_of_its_tickets(told):
    await told.hook()
    order = await told.buy(2)
    (first,) = await told.heard()
    assert first[0] == "order.confirmed"
    assert (first[1]["order"], first[1]["status"]) == (order, "confirmed")
    assert (first[1]["total"], first[1]["currency"]) == (4_000, "EUR")
    await told.follow()
    rows = await told.shop.pool.fetch("SELECT ticket_id FROM ticket")
    heard = (await told.heard())[1:]
    assert {kind for kind, _ in heard} == {"ticket.issued"}
    assert {data["ticket"] for _, data in heard} == {row["ticket_id"] for row in rows}
    # It is thin: whose it is has to be asked for.
    assert "olga" not in repr(await told.heard()).lower()


async def test_an_order_that_ends_is_told_and_one_that_is_only_read_is_not(told):
    await told.hook()
    order = await told.order()
    await told.shop.end_pay_time(order)
    await told.shop.settle()
    assert (await told.shop.state(order)).status == "cancelled"
    ((kind, data),) = await told.heard()
    assert (kind, data["order"]) == ("order.cancelled", order)
    await told.shop.settle()
    assert len(await told.heard()) == 1


async def test_a_ticket_that_is_passed_on_is_told_and_a_new_code_is_not(told):
    await told.buy()
    await told.follow()
    await told.hook()
    sql = "UPDATE ticket SET generation = generation + 1, holder = $1::jsonb"
    await told.shop.pool.fetch(sql, '{"user": "olga"}')
    assert await told.heard() == []
    await told.shop.pool.fetch(sql, '{"user": "mia"}')
    ((kind, data),) = await told.heard()
    assert (kind, data["event"]) == ("ticket.transferred", "evt")
    assert "mia" not in repr(data)


async def test_a_settled_refund_is_told_with_its_amount(told):
    order = await told.buy()
    await told.hook()
    await told.shop.desk.hear(order, facts.GiveBack())
    await told.shop.settle()
    state = await told.shop.state(order)
    assert (state.status, state.refunds[0].state) == ("refunded", "settled")
    heard = dict(await told.heard())
    assert set(heard) == {"order.cancelled", "order.refunded"}
    assert heard["order.cancelled"]["status"] == "refunded"
    assert heard["order.refunded"] == {
        "order": order,
        "refund": state.refunds[0].refund,
        "amount": 2_000,
        "currency": "EUR",
        "reason": "given_back",
    }
    # What is written again of it is told no more.
    await told.shop.settle()
    assert len(await told.heard()) == 2


async def test_a_ticket_that_is_good_no_more_is_told(told):
    await told.hook("ticket.issued", "ticket.revoked")
    order = await told.buy()
    await told.follow()
    await told.shop.desk.hear(order, facts.GiveBack())
    await told.shop.settle()
    await told.follow()
    (first, issued), (second, revoked) = await told.heard()
    assert (first, second) == ("ticket.issued", "ticket.revoked")
    assert issued == revoked


async def test_what_a_follower_does_again_is_told_once(told):
    await told.hook("ticket.issued")
    await told.buy(2)
    await told.follow()
    await told.shop.pool.fetch("DELETE FROM follower WHERE name = 'hooks'")
    await told.follow()
    assert len(await told.heard()) == 2


async def test_tickets_are_told_after_they_were_made(told):
    await told.hook("ticket.issued")
    await told.buy()
    assert not (await told.passes.step(told.hooks, "evt", "tickets")).versions
    assert await told.heard() == []
    await told.follow()
    assert len(await told.heard()) == 1


async def test_a_sale_is_told_as_it_goes_and_a_pause_is_no_opening(told):
    await told.hook()
    await told.shop.pool.fetch(
        "INSERT INTO hook_event (event_id, sale_state) VALUES ('evt', 'on_sale')"
    )
    await told.do(ChangeSale(id=1, event="evt", to="pause"))
    await told.do(ChangeSale(id=2, event="evt", to="resume"))
    await told.do(ChangeSale(id=3, event="evt", to="close"))
    await told.follow()
    assert [kind for kind, _ in await told.heard()] == [
        "sale.paused",
        "sale.resumed",
        "sale.closed",
    ]
    async with told.shop.pool.transaction() as connection:
        assert await known_state(connection, "evt") == "closed"


async def test_with_no_hook_only_the_state_is_noted(told):
    await told.buy()
    await told.do(ChangeSale(id=1, event="evt", to="pause"))
    await told.follow()
    assert await told.heard() == []
    async with told.shop.pool.transaction() as connection:
        assert await known_state(connection, "evt") == "paused"
    # Who makes a hook later is told what is new, and nothing that was before.
    await told.hook()
    await told.do(ChangeSale(id=2, event="evt", to="resume"))
    await told.follow()
    assert [kind for kind, _ in await told.heard()] == ["sale.resumed"]


async def test_an_event_of_nobody_is_told_nobody(told):
    await told.hook()
    await told.shop.pool.fetch("UPDATE event SET organisation_id = NULL")
    await told.do(ChangeSale(id=1, event="evt", to="pause"))
    await told.follow()
    assert await told.heard() == []
