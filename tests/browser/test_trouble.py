from tests.browser.trouble import Trouble
from tests.browser.until import until


async def test_what_is_red_in_a_page_is_noticed_unless_it_is_forgiven(
    browser, shop, trouble
):
    # Not the test's own: there nothing may be left.
    seen = Trouble()
    context = await browser.new_context(base_url=shop.url)
    await seen.watch(context)
    page = await context.new_page()
    await page.goto("/")
    assert seen.left() == []
    await page.evaluate("console.error('said')")
    await page.evaluate("setTimeout(() => { throw new Error('thrown'); })")
    await page.evaluate("fetch('/nowhere').then(() => 0)")
    await page.evaluate("new Image().src = 'https://elsewhere.example/seen'")
    wanted = ("error said", "crash thrown", "404 GET", "policy violated: img-src")
    await until(lambda: all(part in "\n".join(seen.left()) for part in wanted))
    await context.close()
    seen.forgive("said|thrown|404|policy|Policy")
    assert seen.left() == []
    assert trouble.left() == []
