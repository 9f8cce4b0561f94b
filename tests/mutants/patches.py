"""The seeded bugs as they stand in the `.patch` files beside this one.

== name: what the guard is for, which the bug breaks
@ file
-lines as they stand in the file, exactly once
+lines as the bug has them
"""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]


class Mutant(NamedTuple):
    """One seeded bug."""

    name: str
    guard: str
    file: str
    old: str
    new: str

    def occurrences(self, root: Path) -> int:
        """Count where the bug could be planted; it must be one place."""
        return f"\n{(root / self.file).read_text()}\n".count(f"\n{self.old}\n")

    def planted(self, text: str) -> str:
        """Return the file's text with the bug in it."""
        return f"\n{text}".replace(f"\n{self.old}\n", f"\n{self.new}\n", 1)[1:]


KINDS = (
    "inventory",
    "persistence",
    "server",
    "shop",
    "hooks",
    "promotions",
    "disputes",
    "line",
    "draw",
    "desk",
    "pace",
    "odds",
    "drawer",
    "demo",
    "words",
    "giving",
    "counter",
    "simulated",
    "numbers",
    "lined",
    "cockpit",
    "messages",
    "linefig",
    "venues",
    "chat",
)
"""Files of patches."""


def read() -> list[Mutant]:
    """Return all mutants, the core's first."""
    return [
        _mutant(block)
        for name in KINDS
        for block in (FOLDER / f"{name}.patch").read_text().split("\n== ")
    ]


def _mutant(block: str) -> Mutant:
    title, file, *lines = block.removeprefix("== ").rstrip().splitlines()
    name, _, guard = title.partition(": ")
    if not file.startswith("@ ") or any(line[:1] not in "-+" for line in lines):
        raise ValueError(f"the patch {name!r} cannot be read")
    old = [line[1:] for line in lines if line.startswith("-")]
    new = [line[1:] for line in lines if line.startswith("+")]
    return Mutant(name, guard, file[2:], "\n".join(old), "\n".join(new))
