import pytest

pytestmark = pytest.mark.postgres


async def test_a_paid_order_is_booked(shop):
    order = await shop.priced(3)
    await shop.pay(order)
    assert await shop.deliver()
    await shop.settle()
    state = await shop.state(order)
    assert state.status == "confirmed"
    assert (await shop.counts())["booked"] == 3
    await shop.check()
