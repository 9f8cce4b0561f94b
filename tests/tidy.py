"""The layout of `server/` and `persistence/`, as rules over who imports whom.

`python -m tests.tidy [ROOT]` prints how far a checkout is from it.
"""

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("persistence", "server")
MODULES_MAX = 12

DISTRICTS = (
    "base",
    "transport",
    "live",
    "people",
    "events",
    "shop",
    "community",
    "adapters",
    "ops",
)
"""The districts of `server/`: each may use those before it."""
ORDER = ("__init__.py", *DISTRICTS, "pages", "app.py", "__main__.py")
"""All that stands in `server/`, each part below what may use it."""
APP = "server/app.py"
USE_APP = ("server/ops/process/", "server/ops/cli/")

SERVICE = "service*.py"
"""What a service's module is called: `service.py`, or one of several."""
OF_REQUESTS = (
    "server/transport/http/middleware.py",
    "server/transport/http/problems.py",
    "server/transport/rest/bodies.py",
    "server/transport/rest/call.py",
    "server/transport/rest/guard.py",
)
"""What only makes sense where there is a request: no service has one."""
KEY = "AppKey"
"""All that a service uses of aiohttp: the key by which it is found."""

Model = Mapping[str, Collection[str]]
"""The files that each file imports, all of them relative to the checkout."""


def read(root: Path) -> Model:
    """Return the model of a checkout, without packages that only say what they are."""
    wanted = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            # No tree is kept: of all of them the collector would have a million nodes.
            tree = ast.parse(path.read_bytes(), str(path))
            if not _is_bare(name, tree):
                wanted[name] = list(_imports(tree))
    return {
        name: {file for names in wanted[name] for file in _first_file(names, wanted)}
        for name in sorted(wanted)
    }


def _is_bare(name: str, tree: ast.Module) -> bool:
    """Return whether this is an `__init__.py` with at most a docstring."""
    said = 0 if ast.get_docstring(tree) is None else 1
    return name.endswith("/__init__.py") and len(tree.body) == said


def _imports(tree: ast.Module) -> Iterator[list[str]]:
    """Return what a file imports, wherever in it and for whatever.

    Each as the names that it may be, of which the first that is a file counts.
    """
    for node in statements(tree):
        if isinstance(node, ast.Import):
            yield from ([alias.name] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A name stands for a module where there is one of that name.
            for alias in node.names:
                yield [f"{node.module}.{alias.name}", f"{node.module}"]


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Return all statements of a file, handlers and cases: a tenth of its nodes."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            inside = getattr(node, field, ())
            # Of expressions some have one expression as their body.
            left += inside if isinstance(inside, list) else ()


def _first_file(names: Iterable[str], files: Collection[str]) -> list[str]:
    paths = (name.replace(".", "/") for name in names)
    tried = (path + end for path in paths for end in (".py", "/__init__.py"))
    return [file for file in tried if file in files][:1]


# -- Directions


def part_of(name: str) -> str:
    """Return the part of `server/` that a file of it belongs to."""
    return name.split("/")[1]


def strays(model: Model) -> list[str]:
    """Return what stands in `server/` and in no part that the order knows."""
    return [
        name
        for name in model
        if name.startswith("server/") and part_of(name) not in ORDER
    ]


def upward(model: Model) -> list[str]:
    """Return the imports in `server/` of what stands above the importer."""
    ordered = {
        name: ORDER.index(part_of(name))
        for name in model
        if name.startswith("server/") and part_of(name) in ORDER
    }
    return [
        f"{name} imports {other}"
        for name in ordered
        for other in sorted(model[name])
        if other in ordered
        and (
            not name.startswith(USE_APP)
            if other == APP
            else ordered[other] > ordered[name]
        )
    ]


# -- Services


def bound_to_http(root: Path, model: Model) -> list[str]:
    """Return where services know HTTP: they are called without, and refuse without."""
    wrong = [
        f"{name} imports {other}"
        for name in model
        if PurePosixPath(name).match(SERVICE)
        for other in OF_REQUESTS
        if other in model[name]
    ]
    for path in sorted((root / "server").rglob(SERVICE)):
        name = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_bytes(), str(path))
        wrong += [f"{name} uses aiohttp's {used}" for used in _of_aiohttp(tree)]
    return wrong


def _of_aiohttp(tree: ast.Module) -> Iterator[str]:
    """Return what a module uses of aiohttp but keys of the application."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if _is_aiohttp(one.name))
        elif isinstance(node, ast.ImportFrom) and _is_aiohttp(node.module or ""):
            names = {alias.name for alias in node.names}
            yield from sorted(names - {"web"} if node.module == "aiohttp" else names)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "web"
            and node.attr != KEY
        ):
            yield f"web.{node.attr}"


def _is_aiohttp(module: str) -> bool:
    return module.partition(".")[0] == "aiohttp"


# -- Circles


def folder_of(name: str) -> str:
    """Return the folder that a file counts for: with its subfolders it is one.

    The folders in a district are such, the district is not. What stands in a package
    itself is in no folder, and counts for itself.
    """
    folders = name.split("/")[:-1]
    if len(folders) == 1:
        return name
    in_district = folders[0] == "server" and folders[1] in DISTRICTS
    return "/".join(folders[: 3 if in_district else 2])


def circles(model: Model) -> list[list[str]]:
    """Return the folders that import each other, each circle at its largest."""
    uses: dict[str, set[str]] = defaultdict(set)
    for name, imported in model.items():
        uses[folder_of(name)] |= {folder_of(other) for other in imported}
    for folder, used in uses.items():
        used.discard(folder)
    reached = {folder: _reached(folder, uses) for folder in list(uses)}
    found = {
        frozenset(other for other in reached[folder] if folder in reached[other])
        for folder in reached
    }
    return sorted(sorted(circle) for circle in found if circle)


def _reached(start: str, uses: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    left = [start]
    while left:
        new = uses.get(left.pop(), set()) - seen
        seen |= new
        left += new
    return seen


# -- Knots


def knots(root: Path, packages: Iterable[str]) -> list[list[str]]:
    """Return the modules that need each other to be imported, each knot at its largest.

    By their dotted names. What functions import, and what is only for types, is not
    needed for that; the packages that a module is in are.
    """
    paths = [path for name in packages for path in (root / name).rglob("*.py")]
    trees = {_dotted(path.relative_to(root)): path.read_bytes() for path in paths}
    needs = {
        name: {
            part
            for wanted in [name, *_needed(ast.parse(source).body)]
            for part in _with_parents(wanted)
            if part in trees and part != name
        }
        for name, source in trees.items()
    }
    reached = {name: _reached(name, needs) for name in needs}
    found = {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in reached
    }
    return sorted(sorted(knot) for knot in found if knot)


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _needed(body: Iterable[ast.AST]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _needed(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _needed(ast.iter_child_nodes(node))


# -- Sizes


def sizes(model: Model) -> Counter[str]:
    """Return how many modules each folder holds, without those of its subfolders."""
    return Counter(str(PurePosixPath(name).parent) for name in model)


def crowded(model: Model) -> dict[str, int]:
    """Return the folders that hold too many modules."""
    return {
        folder: count for folder, count in sizes(model).items() if count > MODULES_MAX
    }


# -- Tests


def tests_of(root: Path) -> set[str]:
    """Return the test files of a checkout."""
    found = (root / "tests").rglob("test_*.py")
    return {path.relative_to(root).as_posix() for path in found}


def tested_by(test: str, model: Model) -> str | None:
    """Return the module whose name a test file has, in the place that mirrors its own.

    `test_rest_users.py` is that of `rest_users.py`, and of `rest.py` where the folder
    has no such module.
    """
    path = PurePosixPath(test)
    words = path.stem.removeprefix("test_").split("_")
    for count in range(len(words), 0, -1):
        module = path.parent.relative_to("tests") / "_".join(words[:count])
        if f"{module}.py" in model:
            return f"{module}.py"
    return None


def untested(
    model: Model, tests: Collection[str], covered_by: Mapping[str, str]
) -> list[str]:
    """Return what is wrong with the tests of modules, and with what is said of them.

    A module has a test file of its name, or a line in `covered_by`, by its path or, for
    all modules that are called so, by its file name alone.
    """
    own = {tested_by(test, model) for test in tests}
    rest = [name for name in model if name not in own]
    names = {PurePosixPath(name).name for name in rest}
    wrong = [
        f"{name}: no test of its name, and no line"
        for name in rest
        if not {name, PurePosixPath(name).name} & covered_by.keys()
    ]
    wrong += [f"{name}: a line, and a test" for name in covered_by.keys() & own]
    wrong += [
        f"{name}: a line, and no module"
        for name in covered_by.keys() - model.keys() - names
    ]
    wrong += [
        f"{name}: a line, and no {test}"
        for name, test in covered_by.items()
        if test not in tests
    ]
    return sorted(wrong)


def main(root: Path) -> None:
    """Print the figures of a checkout."""
    model = read(root)
    folders = [
        folder
        for circle in circles(model)
        for folder in circle
        if not folder.endswith(".py")
    ]
    outside = len(strays(model))
    up = f"not counted, {outside} modules are in no district"
    largest, count = sizes(model).most_common(1)[0]
    sys.stdout.write(
        f"folders in circles: {len(folders)}\n"
        f"upward imports: {up if outside else len(upward(model))}\n"
        f"largest folder: {largest}, {count} modules\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
