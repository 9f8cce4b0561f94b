async def test_others_buy_and_the_server_comes_back_where_it_was(shop, page):
    event = await shop.event(paid=True)
    order = await shop.buy(event, seats=["A-1", "A-2"])
    assert [one["label"] for one in order["tickets"]] == ["A-1", "A-2"]
    before = shop.url
    await shop.restart()
    assert shop.url == before
    await page.goto("/")
    assert (await shop.api.letters(event))["A-1"] == "b"
