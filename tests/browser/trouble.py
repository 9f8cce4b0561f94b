"""What went wrong in a page while nobody looked; it fails the test at its end."""

import re
from dataclasses import dataclass, field

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Response

# In the page itself, since it is told there before any script of ours runs.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`
    + ` ${event.sourceFile}:${event.lineNumber} ${event.sample}`);
});
"""
ERROR_STATUS_MIN = 400


@dataclass
class Trouble:
    """All that is red in the console of some pages, and all answers of 400 and more.

    What a test provokes it forgives, by a pattern that is looked for in the line.
    """

    lines: list[str] = field(default_factory=list)
    forgiven: list[re.Pattern[str]] = field(default_factory=list)

    def forgive(self, pattern: str) -> None:
        """Let pass what has this, from the beginning of the test to its end.

        A line is `error TEXT at ADDRESS`, `crash TEXT` or `STATUS METHOD ADDRESS`.
        """
        self.forgiven.append(re.compile(pattern))

    def left(self) -> list[str]:
        """Return what nobody forgave."""
        return [
            line
            for line in self.lines
            if not any(pattern.search(line) for pattern in self.forgiven)
        ]

    async def watch(self, context: BrowserContext) -> None:
        """Look at all pages that a context will have."""
        await context.add_init_script(REPORT_VIOLATIONS)
        context.on("page", self._watch_page)
        context.on("response", self._take_response)
        context.on("console", self._take_console)

    def _watch_page(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.lines.append(f"crash {error}"))
        page.on("crash", lambda _: self.lines.append("crash of the page"))

    def _take_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self.lines.append(f"error {message.text} at {where}")

    def _take_response(self, response: Response) -> None:
        if response.status >= ERROR_STATUS_MIN:
            request = response.request
            self.lines.append(f"{response.status} {request.method} {response.url}")
