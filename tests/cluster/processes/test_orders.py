"""Orders of an event that another worker has, paid where webhooks come to a third."""

import shutil
from collections.abc import Iterator

import pytest

from tests.cluster.processes.clusters import Workers, until
from tests.contract.client import Api, Json, Person
from tests.contract.socket_client import Socket
from tests.database import drop_database, make_database
from tests.scratch import make_folder
from tests.server.shop.payments.gateway_process import SECRET, GatewayProcess

pytestmark = [pytest.mark.redis, pytest.mark.slow]


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayProcess]:
    """The gateway, in a process of its own."""
    folder = make_folder("gateway")
    gateway = GatewayProcess(folder)
    gateway.start()
    yield gateway
    gateway.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def selling_workers(
    server_url: str, database_template: str, gateway: GatewayProcess
) -> Iterator[Workers]:
    """Two workers with a Valkey of their own; webhooks come to the second."""
    database_url = make_database(server_url, database_template)
    workers = Workers(database_url, 2)
    workers.settle_with(gateway.url, SECRET)
    try:
        yield workers.start()
    finally:
        workers.remove()
        drop_database(server_url, database_url)


class Seen:
    """A buyer's pages on both workers, and what they were told of one order."""

    def __init__(self, sockets: list[Socket]) -> None:
        self.sockets = sockets

    async def told(self, order: str, status: str) -> None:
        """Wait until both were told."""
        for socket in self.sockets:
            await socket.next("order", order=order, status=status)

    async def close(self) -> None:
        for socket in self.sockets:
            await socket.close()


async def ordered(api: Api, event: str, buyer: Person, seat: str) -> Json:
    """Hold a seat and order it at one worker."""
    held = await api.ok(event, buyer, "hold", seats=[seat])
    body = {
        "event": event,
        "hold": held["hold"],
        "buyer": {"email": "buyer@example.org"},
    }
    made: Json = await api.good("POST", "/v1/orders", body, who=buyer)
    return made


async def test_an_order_is_made_paid_told_and_given_back_at_either_worker(
    selling_workers: Workers, gateway: GatewayProcess
):
    async with selling_workers.apis() as apis:
        event = await apis[0].sale(payment="required", max_per_user=10)
        buyer = await apis[0].guest()
        pages = Seen([await api.socket(buyer) for api in apis])
        # Each has it once, so each is once the one that has not.
        for at, url in enumerate(selling_workers.urls):
            await selling_workers.move(event, url)
            other = apis[1 - at]
            made = await ordered(other, event, buyer, f"A-{at + 1}")
            order = made["order"]
            await pages.told(order, "payment_pending")
            status, _, _ = await gateway.choose(made["payment"]["url"], "pay")
            assert status == 303
            await pages.told(order, "confirmed")
            for api in apis:
                shown = await api.good("GET", f"/v1/orders/{order}", who=buyer)
                assert shown["status"] == "confirmed"
            await until(tickets_of(other, order, buyer))
            path = f"/v1/orders/{order}/cancel"
            left = await other.good("POST", path, who=buyer)
            assert left["status"] == "refunded"
            await pages.told(order, "refunded")
            holding = await other.ok(event, buyer, "holding")
            for api in apis:
                letters = await api.letters(event, holding["version"])
                assert set(letters.values()) == {"f"}
                await api.audit(event)
                path = f"/v1/events/{event}/money"
                assert (await api.good("GET", path, who=api.admin))["ok"] is True
        await pages.close()


def tickets_of(api: Api, order: str, buyer: Person):
    """Return whether an order has its ticket."""

    async def check() -> bool:
        shown = await api.good("GET", f"/v1/orders/{order}", who=buyer)
        return len(shown["tickets"]) == 1

    return check
