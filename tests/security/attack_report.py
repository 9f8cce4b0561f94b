"""A plugin of pytest that says of each attack what it claims, and whether that held.

`python3 dev.py attack` runs the tests marked `attack` with it. The claim is the first
line of the test's docstring. What failed before it could attack did not hold either: it
is known of nothing else.
"""

from collections.abc import Iterator

import pytest

MARK = "attack"
CLAIM = "claim"
HELD, FAILED, UNTRIED = "held", "did not hold", "was not tried"


def claim_of(item: pytest.Item) -> str:
    """Return the first line of a test's docstring, with the case that it is about."""
    function = getattr(item, "function", None)
    claim = (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]
    if not claim:
        raise pytest.UsageError(f"{item.nodeid} is an attack and claims nothing.")
    params = getattr(getattr(item, "callspec", None), "params", {})
    cases = [str(value) for value in params.values() if isinstance(value, str | int)]
    return f"{claim} ({', '.join(cases)})" if cases else claim


class AttackReport:
    """Prints one line for each attack."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._told: set[str] = set()
        self.held = 0
        self.failed = 0
        config.option.durations = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note what each claims; in the workers of a run, too."""
        for item in items:
            if item.get_closest_marker(MARK) is not None:
                item.user_properties.append((CLAIM, claim_of(item)))

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, str] | None:
        """Leave out the dots: the lines below say more."""
        if report.when == "call":
            return report.outcome, "", ""
        return None if report.passed else ("error", "", "")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print what became of an attack, once."""
        claim = dict(report.user_properties).get(CLAIM)
        over = report.when == "call" or report.outcome != "passed"
        if claim is None or not over or report.nodeid in self._told:
            return
        self._told.add(report.nodeid)
        result = {"passed": HELD, "failed": FAILED}.get(report.outcome, UNTRIED)
        self.held += result == HELD
        self.failed += result == FAILED
        self._say(f"{result + ':':16}{claim}")

    @pytest.hookimpl(wrapper=True)
    def pytest_terminal_summary(self) -> Iterator[None]:
        """Add up, after what failed was shown."""
        yield
        self._say(f"{self.held} held, {self.failed} did not.")

    def _say(self, line: str) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        # A worker has none: its reports come to the process that has.
        if reporter is not None:
            reporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(AttackReport(config), "attack report")
