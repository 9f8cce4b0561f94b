"""House style that neither ruff nor mypy can see."""

import ast
import functools
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import tidy
from tests.covered_by import COVERED_BY

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("inventory", "persistence", "server", "bench")
LINE_MAX = 88
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

TOP_LEVEL = {
    "CHANGELOG.md",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "bench",
    "compose.yaml",
    "deploy",
    "dev.py",
    "docs",
    "inventory",
    "persistence",
    "pyproject.toml",
    "requirements-build.txt",
    "requirements-dev.txt",
    "requirements-uv.txt",
    "requirements.txt",
    "server",
    "tests",
}

# What a package may import beside itself and the standard library; None is anything
# but the packages that are not named here.
LAYERS: dict[str, set[str]] = {
    "inventory": {"msgspec"},
    "persistence": {"inventory", "msgspec", "asyncpg", "idna"},
}
NEVER_IMPORTED = {
    "inventory": {"tests"},
    "persistence": {"tests"},
    "server": {"tests", "bench"},
}

# The core decides; clock, chance and the world outside are arguments.
# The actor, what it does to read its journal when it begins, and the timers by which it
# sleeps and loses patience, pump between them.
PURE_EXCEPT = {
    "inventory/actor.py",
    "inventory/alarm.py",
    "inventory/loading.py",
    "inventory/refusal_timer.py",
}
IMPURE = {
    "asyncio",
    "logging",
    "multiprocessing",
    "os",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
}
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4"}

# Modules that hold no behaviour of their own, or whose tests stand elsewhere.
WITHOUT_TEST_FILE = {
    # Types and constants, checked by whatever uses them.
    "inventory/limits.py",
    "inventory/ports.py",
    "inventory/records.py",
    "inventory/replies.py",
    "inventory/settings.py",
    "inventory/commands.py",
    "inventory/changes.py",
}


def sources(*folders: str) -> list[str]:
    """The Python files of these folders, relative to the checkout."""
    found = (path for name in folders for path in (ROOT / name).rglob("*.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


class Read(NamedTuple):
    """What the tests below ask of a file, so that it is read once and no tree kept."""

    documented: bool
    too_long: list[str]
    imports: set[str]
    """The top names of what it imports, wherever in it."""
    called: set[str]
    """The names of methods, and of functions of modules, that it calls."""
    traps: list[str]


@functools.cache
def read(name: str) -> Read:
    text = (ROOT / name).read_text("utf-8")
    tree = ast.parse(text, name)
    found = Read(bool(ast.get_docstring(tree)), long_in(text, tree), set(), set(), [])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.imports.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            found.imports.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found.called.add(node.func.attr)
        elif isinstance(node, TRAPS):
            found.traps.extend(problems_of(node))
    return found


EVERYTHING = [*sources(*PACKAGES, "tests"), "dev.py"]
OURS = [*sources(*PACKAGES), "dev.py"]


def broken(check: Callable[[str], object], names: Iterable[str]) -> dict[str, object]:
    """What a check finds, by file; one test tells about all files at once."""
    return {name: found for name in names if (found := check(name))}


def long_in(text: str, tree: ast.Module) -> list[str]:
    lines = text.splitlines()
    found = [f"line {n}" for n, line in enumerate(lines, 1) if len(line) > LINE_MAX]
    if len(lines) > FILE_LINES_MAX:
        found.append(f"{len(lines)} lines")
    for node in tidy.statements(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                found.append(f"{node.name} has {length} lines")
    return found


def test_lines_functions_and_files_are_short():
    assert broken(lambda name: read(name).too_long, EVERYTHING) == {}


def test_every_module_says_what_it_is_for():
    assert [name for name in OURS if not read(name).documented] == []


def wrong_way(name: str) -> set[str]:
    package = name.partition("/")[0]
    found = read(name).imports - {package}
    wrong = found & NEVER_IMPORTED[package]
    if package in LAYERS:
        wrong |= found - set(sys.stdlib_module_names) - LAYERS[package]
    return wrong


def test_layers_are_imported_in_one_direction():
    assert broken(wrong_way, sources("inventory", "persistence", "server")) == {}


def impure(name: str) -> set[str]:
    if name in PURE_EXCEPT:
        return set()
    return (read(name).imports & IMPURE) | (read(name).called & IMPURE_CALLS)


def test_the_core_knows_no_clock_no_chance_and_no_world():
    assert broken(impure, sources("inventory")) == {}


def is_asyncio_name(node: ast.expr, *names: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in names
        and isinstance(node.value, ast.Name)
        and node.value.id in {"asyncio", "loop"}
    )


TRAPS = ast.Attribute | ast.Expr | ast.ExceptHandler


def problems_of(node: ast.AST) -> Iterator[str]:
    """Name what must not stand in any of our files."""
    if isinstance(node, ast.Attribute) and is_asyncio_name(node, "wait_for"):
        # Up to Python 3.11 it can swallow a cancellation; asyncio.timeout does not.
        yield f"line {node.lineno}: asyncio.wait_for"
    if (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and is_asyncio_name(node.value.func, "create_task", "ensure_future")
    ):
        # The loop keeps no reference: such a task may vanish while it waits.
        yield f"line {node.lineno}: a task that nobody keeps"
    if isinstance(node, ast.ExceptHandler) and isinstance(node.body[0], ast.Pass):
        caught = node.type
        if caught is None or (
            isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"}
        ):
            yield f"line {node.lineno}: an error that nobody hears of"


def test_known_traps_are_not_stepped_into():
    assert broken(lambda name: read(name).traps, EVERYTHING) == {}


def test_the_checks_above_find_what_they_look_for(tmp_path):
    code = (
        "async def f():\n"
        "    await asyncio.wait_for(g(), 1)\n"
        "    asyncio.create_task(g())\n"
        "    try: g()\n"
        "    except Exception: pass\n"
        "    kept = asyncio.create_task(g())\n"
        "    try: g()\n"
        "    except OSError: pass\n"
    )
    (tmp_path / "f.py").write_text(code)
    found = read(str(tmp_path / "f.py")).traps
    assert sorted(int(problem.split()[1][:-1]) for problem in found) == [2, 3, 5]


def has_tests(name: str) -> bool:
    """Return whether a file tests this module, or the folder that it is a part of."""
    package, *folders, module = Path(name).with_suffix("").parts
    return any(
        any(ROOT.joinpath("tests", package).rglob(f"test_{subject}*.py"))
        for subject in (*folders, module)
    )


def test_every_module_of_the_core_has_its_test_file():
    untested = [
        name
        for name in sources("inventory")
        if not name.endswith("__init__.py")
        and name not in WITHOUT_TEST_FILE
        and not has_tests(name)
    ]
    assert untested == []


# The layout of `server/` and `persistence/`: each rule, and a case that it finds.


@functools.cache
def layout() -> tidy.Model:
    return tidy.read(ROOT)


PROBLEMS = "imports server/transport/http/problems.py"


def test_everything_in_the_server_stands_in_a_district():
    assert tidy.strays(layout()) == []


def test_what_stands_in_no_district_would_be_found():
    names = "server/rest/a.py", "server/a.py", "server/app.py", "persistence/a.py"
    assert tidy.strays(dict.fromkeys(names, ())) == ["server/rest/a.py", "server/a.py"]


def test_districts_use_only_what_stands_before_them():
    assert tidy.upward(layout()) == []


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("server/transport/bus/open.py", "server/live/fanout/hub.py"),
        ("server/base/ids.py", "server/ops/health/rest.py"),
        ("server/ops/demo/command.py", "server/pages/serve.py"),
        ("server/ops/demo/command.py", "server/app.py"),
        ("server/pages/serve.py", "server/app.py"),
        ("server/__main__.py", "server/app.py"),
        ("server/app.py", "server/__main__.py"),
    ],
)
def test_an_import_of_what_stands_above_would_be_found(name, other):
    assert tidy.upward({name: {other}, other: set()}) == [f"{name} imports {other}"]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("server/live/fanout/hub.py", "server/transport/bus/open.py"),
        ("server/live/fanout/hub.py", "server/live/actors/registry.py"),
        ("server/live/fanout/hub.py", "server/__init__.py"),
        ("server/pages/serve.py", "server/ops/api/docs.py"),
        ("server/app.py", "server/pages/serve.py"),
        ("server/ops/process/serve.py", "server/app.py"),
        ("server/ops/cli/main.py", "server/app.py"),
        ("server/base/ids.py", "persistence/people/users.py"),
    ],
)
def test_an_import_of_what_stands_below_is_none(name, other):
    assert tidy.upward({name: {other}, other: set()}) == []


@pytest.mark.parametrize(
    "line",
    [
        "import server.app",
        "from server import app",
        "from server.app import Server",
        "def late():\n    from server.app import Server",
        "if TYPE_CHECKING:\n    from server.app import Server",
    ],
)
def test_imports_are_seen_however_they_are_written(line, tmp_path):
    put(tmp_path, "server/__init__.py", '"""Nothing else."""')
    put(tmp_path, "server/app.py", "class Server: pass")
    put(tmp_path, "server/base/ids.py", line)
    put(tmp_path, "persistence/__init__.py", "VERSION = 1")
    assert tidy.read(tmp_path) == {
        "persistence/__init__.py": set(),
        "server/app.py": set(),
        "server/base/ids.py": {"server/app.py"},
    }


def test_services_know_no_http():
    assert tidy.bound_to_http(ROOT, layout()) == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("from server.transport.http.problems import NOT_FOUND", PROBLEMS),
        ("from server.transport.http import problems", PROBLEMS),
        ("import aiohttp.web", "uses aiohttp's aiohttp.web"),
        ("from aiohttp import ClientSession, web", "uses aiohttp's ClientSession"),
        ("from aiohttp.web import Response", "uses aiohttp's Response"),
        ("from aiohttp import web\na: web.Request", "uses aiohttp's web.Request"),
        ("from aiohttp import web\nKEY = web.AppKey('key', int)", None),
    ],
)
@pytest.mark.parametrize("name", ["server/shop/service.py", "server/shop/service_a.py"])
def test_a_service_that_knows_http_would_be_found(name, line, wrong, tmp_path):
    put(tmp_path, "persistence/__init__.py", "VERSION = 1")
    put(tmp_path, "server/transport/http/problems.py", "NOT_FOUND = 404")
    put(tmp_path, name, line)
    put(tmp_path, "server/shop/rest.py", line)  # What translates may know both.
    expected = [] if wrong is None else [f"{name} {wrong}"]
    assert tidy.bound_to_http(tmp_path, tidy.read(tmp_path)) == expected


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_folders_do_not_import_each_other_in_circles():
    assert tidy.circles(layout()) == []


def test_a_circle_of_folders_would_be_found():
    model = {
        "server/people/auth/rest.py": {"server/people/accounts/rest.py"},
        "server/people/accounts/rest.py": {"server/people/activity/feed.py"},
        "server/people/activity/feed.py": {"server/people/auth/tokens/tokens.py"},
        "server/people/auth/tokens/tokens.py": {"server/base/ids.py"},
        "server/base/ids.py": set(),
        "persistence/mail.py": {"persistence/people/users.py"},
        "persistence/people/users.py": {"persistence/mail.py"},
    }
    assert tidy.circles(model) == [
        ["persistence/mail.py", "persistence/people"],
        ["server/people/accounts", "server/people/activity", "server/people/auth"],
    ]


def test_a_folder_and_its_subfolders_are_one_and_a_district_is_no_folder():
    def both_ways(one: str, other: str) -> list[list[str]]:
        return tidy.circles({one: {other}, other: {one}})

    assert not both_ways("server/people/auth/rest.py", "server/people/auth/tokens/a.py")
    assert not both_ways("persistence/shop/a.py", "persistence/shop/orders/b.py")
    assert both_ways("server/people/auth/rest.py", "server/people/activity/rest.py")
    assert both_ways("server/people/auth/rest.py", "server/people/rest.py")


def test_no_folder_is_crowded():
    assert tidy.crowded(layout()) == {}


def test_a_crowded_folder_would_be_found():
    files = [f"server/base/m{number}.py" for number in range(tidy.MODULES_MAX)]
    model = dict.fromkeys([*files, "server/base/more/n.py"], ())
    assert tidy.crowded(model) == {}
    assert tidy.crowded({**model, "server/base/o.py": ()}) == {"server/base": 13}


def test_every_other_module_has_its_test_file_or_a_line_that_names_one():
    assert tidy.untested(layout(), tidy.tests_of(ROOT), COVERED_BY) == []


REST, USERS = "server/people/accounts/rest.py", "server/people/accounts/rest_users.py"
TEST_REST = "tests/server/people/accounts/test_rest.py"
TEST_USERS = "tests/server/people/accounts/test_rest_users.py"


@pytest.mark.parametrize(
    ("tests", "covered_by", "wrong"),
    [
        ([TEST_REST, TEST_USERS], {}, []),
        ([TEST_USERS], {REST: TEST_USERS}, []),
        ([TEST_USERS], {"rest.py": TEST_USERS}, []),
        ([TEST_USERS], {}, [f"{REST}: no test of its name, and no line"]),
        (
            [TEST_USERS, "tests/server/people/auth/test_rest.py"],
            {},
            [f"{REST}: no test of its name, and no line"],
        ),
        ([TEST_USERS], {REST: TEST_REST}, [f"{REST}: a line, and no {TEST_REST}"]),
        (
            [TEST_REST, TEST_USERS],
            {REST: TEST_USERS},
            [f"{REST}: a line, and a test"],
        ),
        (
            [TEST_REST, TEST_USERS],
            {"server/gone.py": TEST_USERS},
            ["server/gone.py: a line, and no module"],
        ),
        (
            [TEST_REST, TEST_USERS],
            {"rest.py": TEST_USERS},
            ["rest.py: a line, and no module"],
        ),
    ],
)
def test_a_module_without_a_test_and_a_wrong_line_would_be_found(
    tests, covered_by, wrong
):
    assert tidy.untested({REST: set(), USERS: set()}, tests, covered_by) == wrong


def test_the_figures_of_a_checkout_are_printed(tmp_path, capsys):
    put(tmp_path, "server/base/ids.py", "from server.live.actors import registry")
    put(tmp_path, "server/live/actors/registry.py", "from server.base import ids")
    put(tmp_path, "server/live/actors/envelopes.py", "")
    tidy.main(tmp_path)
    assert capsys.readouterr().out == (
        "folders in circles: 2\n"
        "upward imports: 1\n"
        "largest folder: server/live/actors, 2 modules\n"
    )


def test_nothing_else_stands_at_the_top():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    top = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} - TOP_LEVEL == set()
