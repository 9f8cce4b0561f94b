"""What the desk notes of orders beside writing them."""

import pytest

pytestmark = pytest.mark.postgres


async def test_each_payment_that_failed_is_noted_once(shop):
    order = await shop.begin(2)
    await shop.driver.drive(order)
    assert shop.failed == []
    await shop.pay(order, "decline")
    messages = shop.messages()
    assert messages
    for _ in range(2):
        assert all(await shop.deliver(*messages))
    assert [one.state for one in (await shop.state(order)).payments] == ["failed"]
    assert shop.failed == ["evt"]
