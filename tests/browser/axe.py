"""What axe-core finds in a page that shuts people out."""

from importlib.resources import files
from typing import Any

from playwright.async_api import Page

SCRIPT = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RUN = """
async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map(({ id, impact, help, nodes }) => ({
    id, impact, help,
    nodes: nodes.map(({ target, failureSummary }) => ({ target, failureSummary })),
  }));
}
"""
GRAVE = ("serious", "critical")
SHOWN_MAX = 5


async def barriers(page: Page) -> list[str]:
    """Return what axe calls serious or critical in a page as it stands, in lines."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(SCRIPT)
    found: list[dict[str, Any]] = await page.evaluate(RUN)
    return [
        f"{one['impact']} {one['id']}: {one['help']}; at {node['target']}:"
        f" {node['failureSummary']}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"][:SHOWN_MAX]
    ]
