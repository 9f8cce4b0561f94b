"""What a person would see at once and a test does not: things cut off or too wide."""

from playwright.async_api import Page

LOOK = """
() => {
  const SEEN = { opacityProperty: true, visibilityProperty: true };
  const isText = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "";
  const wrong = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    wrong.push(`the page is ${document.documentElement.scrollWidth} wide of ${width}`);
  }
  const name = (one) => {
    const id = one.dataset.testid ?? one.id;
    return `${one.localName}${id ? "#" + id : ""}.${one.className}`;
  };
  const scrolls = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const { overflowX, overflowY, position } = getComputedStyle(at);
      if (position === "fixed") return true;
      if ([overflowX, overflowY].some((how) => how === "auto" || how === "scroll")) {
        return true;
      }
    }
    return false;
  };
  for (const one of document.body.querySelectorAll("*")) {
    const box = one.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1) continue;
    if (!one.checkVisibility(SEEN)) continue;
    if (![...one.childNodes].some(isText)) continue;
    const away = box.right <= 0; // on purpose: what shows itself when it has the focus
    if (!away && (box.right > width + 1 || box.left < -1) && !scrolls(one)) {
      wrong.push(`${name(one)} reaches from ${box.left} to ${box.right} of ${width}`);
    }
    const { overflowX, textOverflow } = getComputedStyle(one);
    const cut = ["hidden", "clip"].includes(overflowX) && textOverflow !== "ellipsis";
    if (cut && one.scrollWidth > one.clientWidth + 1) {
      wrong.push(`${name(one)} is cut off: ${one.textContent.trim().slice(0, 40)}`);
    }
  }
  return wrong;
}
"""

TOUCH_PX = 44
SMALL = """
(least) => [...document.querySelectorAll("button, select, input, summary, a[href]")]
  .filter((one) => {
    const box = (one.closest("label") ?? one).getBoundingClientRect();
    if (box.width <= 1 || box.right <= 0 || !one.checkVisibility()) return false;
    // Links within a sentence are as high as its lines.
    const inText = one.localName === "a" && getComputedStyle(one).display === "inline";
    return !inText && (box.height < least - 0.5 || box.width < 24);
  })
  .map((one) => {
    const { width, height } = one.getBoundingClientRect();
    const name = (one.ariaLabel ?? one.textContent).trim();
    return `${one.localName} "${name}" is only ${width} by ${height}`;
  })
"""


async def small_targets(page: Page) -> list[str]:
    """Return what is too small for a finger, in lines; to be asked on a phone."""
    found: list[str] = await page.evaluate(SMALL, TOUCH_PX)
    return found


async def flaws(page: Page) -> list[str]:
    """Return what stands beyond the edge of the page, or is cut off, in lines."""
    found: list[str] = await page.evaluate(LOOK)
    return found
