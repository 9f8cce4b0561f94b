"""Somebody who drives an order and dies at a certain point.

That is before what is asked, after the answer, or after that was written down.
"""

from typing import TYPE_CHECKING, Any

from tests.server.shop.orders.shop import Shop

if TYPE_CHECKING:
    from server.shop.orders.driving.driver import Driver


class Died(Exception):
    """What a process would not live to see."""


class Mortal:
    """A driver that lives for so many steps."""

    def __init__(self, shop: Shop, steps: int) -> None:
        self.left = steps
        self.driver: Driver = shop.new_driver()
        self.died = False
        do, desk = self.driver._do, self.driver._desk

        async def dying_do(*args: Any) -> Any:
            self.step()
            heard = await do(*args)
            self.step()
            return heard

        class DyingDesk:
            async def hear(_, *args: Any, **known: Any) -> Any:
                applied = await desk.hear(*args, **known)
                self.step()
                return applied

        self.driver._do = dying_do  # type: ignore[method-assign,assignment]
        self.driver._desk = DyingDesk()  # type: ignore[assignment]

    def step(self) -> None:
        """Live one step further, or not."""
        if self.left == 0:
            self.died = True
            raise Died
        self.left -= 1

    async def drive(self, order: str) -> None:
        """Drive an order as far as one lives."""
        try:
            await self.driver.drive(order)
        except Died:
            pass
