"""The pages of who runs something, in their states."""

from playwright.async_api import Page, expect

from tests.browser.stage import Stage
from tests.browser.team import enter, part

LONG = "The Society for the Advancement of Very Long Evenings and their Friends"


async def _organisation(stage: Stage) -> str:
    """Make an organisation with something in it; return the address of its page."""
    api = stage.shop.api
    body: dict[str, object] = {
        "name": LONG,
        "description": "We play long evenings.\nSince 1921.",
    }
    made = await api.good("POST", "/v1/organisations", body, who=api.admin)
    path = f"/v1/organisations/{made['id']}"
    for email, role in (("ida@example.org", "leader"), ("oz@example.org", "staff")):
        body = {"email": email, "role": role}
        await api.good("POST", f"{path}/invitations", body, who=api.admin)
    body = {"name": "Gate 3", "scopes": ["checkin", "tickets:scan"]}
    await api.good("POST", f"{path}/api-keys", body, who=api.admin)
    body = {"url": "https://hooks.example/onsale", "description": "Books"}
    hook = await api.good("POST", f"{path}/hooks", body, who=api.admin)
    await api.good("POST", f"{path}/hooks/{hook['id']}/test", who=api.admin)
    body = {"audience": "members", "subject": "Rehearsal", "body": "At eight."}
    await api.good("POST", f"{path}/announcements", body, who=api.admin)
    return f"/organise/organisations/{made['id']}"


async def organise_home(stage: Stage, page: Page) -> None:
    """What somebody runs."""
    await _organisation(stage)
    await enter(page, "/organise")
    await expect(page.get_by_test_id("my-event").first).to_be_visible()
    await expect(page.locator(".skeleton")).to_have_count(0)


async def organise_people(stage: Stage, page: Page) -> None:
    """Who belongs to an organisation."""
    await enter(page, await _organisation(stage))
    await expect(part(page, "invitations")).to_contain_text("ida@example.org")
    await expect(page.locator(".skeleton")).to_have_count(0)


async def organise_keys(stage: Stage, page: Page) -> None:
    """A key that was just made, and one of before."""
    await enter(page, f"{await _organisation(stage)}/keys")
    await page.get_by_test_id("new-key").click()
    await page.get_by_label("Name of the key").fill("Till 1")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.get_by_test_id("secret")).to_be_visible()
    await expect(page.get_by_test_id("key")).to_have_count(2)


async def organise_hooks(stage: Stage, page: Page) -> None:
    """A hook, and what it was told."""
    await enter(page, f"{await _organisation(stage)}/hooks")
    await expect(page.get_by_test_id("delivery")).to_be_visible()


async def organise_asking(stage: Stage, page: Page) -> None:
    """An announcement is written."""
    await enter(page, f"{await _organisation(stage)}/announcements")
    await expect(page.get_by_test_id("announcement")).to_be_visible()
    await page.get_by_test_id("write").click()
    await expect(page.get_by_test_id("announce")).to_be_visible()


async def admin_health(stage: Stage, page: Page) -> None:
    """How the server is."""
    await enter(page, "/admin")
    await expect(page.get_by_test_id("health-part").first).to_be_visible()


async def admin_users(stage: Stage, page: Page) -> None:
    """Who has an account."""
    await enter(page, "/admin/users")
    await expect(page.get_by_test_id("user").first).to_be_visible()


async def admin_cluster(stage: Stage, page: Page) -> None:
    """The processes and their events."""
    await enter(page, "/admin/cluster")
    await expect(page.get_by_test_id("owned").first).to_be_visible()


async def admin_limits(stage: Stage, page: Page) -> None:
    """Limits and caches."""
    await enter(page, "/admin/limits")
    await expect(part(page, "caches").get_by_role("listitem").first).to_be_visible()


TEAM_VIEWS = (
    organise_home,
    organise_people,
    organise_keys,
    organise_hooks,
    organise_asking,
    admin_health,
    admin_users,
    admin_cluster,
    admin_limits,
)
