"""Tells a buyer's open pages how an order is, on whichever process they are.

Only a shortcut: who misses it reads the order.
"""

from datetime import UTC, datetime

import msgspec
import structlog
from msgspec import UNSET, Struct, UnsetType

from inventory.ports import Clock
from persistence.shop.orders.records import Returned, Status
from persistence.shop.orders.rows import StoredOrder
from server.live.fanout.hub import Hub
from server.transport.bus.bus import Bus

TOPIC = "orders"

log = structlog.get_logger()


class OrderNews(Struct, tag_field="op", tag="order", omit_defaults=True):
    """An order of the caller moved on; `expires_in_ms` is the time left to pay it."""

    order: str
    status: Status
    refund: Returned
    pay_until: datetime | UnsetType = UNSET
    expires_in_ms: int | UnsetType = UNSET


class _Told(Struct, array_like=True):
    user: str
    order: str
    status: Status
    refund: Returned
    pay_until_ms: int | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Told).decode


class News:
    """Says what became of orders, and hears it from all processes, this one too."""

    def __init__(self, bus: Bus, hub: Hub, clock: Clock) -> None:
        self._bus = bus
        self._hub = hub
        self._clock = clock
        bus.subscribe(TOPIC, self._hear, lambda: None)

    def tell(self, stored: StoredOrder) -> None:
        """Tell its buyer how an order is."""
        order = stored.state
        waits = order.step in ("priced", "paying")
        told = _Told(
            stored.user,
            order.order,
            order.status,
            order.returned,
            order.pay_until_ms if waits else None,
        )
        self._bus.publish(TOPIC, _encode(told))

    def _hear(self, data: bytes) -> None:
        try:
            told = _decode(data)
        except msgspec.DecodeError as error:
            log.info("news of an order cannot be read", error=str(error))
            return
        writers = self._hub.by_user.get(told.user, ())
        frame = OrderNews(order=told.order, status=told.status, refund=told.refund)
        if told.pay_until_ms is not None:
            frame.pay_until = datetime.fromtimestamp(told.pay_until_ms / 1_000, UTC)
            frame.expires_in_ms = max(0, told.pay_until_ms - self._clock.now_ms())
        for writer in writers:
            writer.write(writer.codec.pack(frame))
