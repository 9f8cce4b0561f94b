"""Every module can be imported by whoever needs no other."""

import subprocess
import sys

from tests import tidy
from tests.test_tidy import PACKAGES, ROOT, sources

# Forks for each of what is named, so that what one imported does not help the next.
IMPORT_EACH = """
import importlib, os, sys, traceback

failed = []
for names in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            for name in names.split():
                importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        failed.append(names)
sys.exit(" ".join(failed) or 0)
"""


def import_each(root, *names):
    """Import what is named, each group in a process of its own; tell what failed."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, *names],
        cwd=root,
        capture_output=True,
        text=True,
    )
    return done.stderr if done.returncode else ""


def test_every_module_can_be_imported_alone():
    """Where no modules need each other, each gets what it needs in whatever order.

    So all are imported one after the other, and alone those that stand in a knot.
    """
    modules = [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in sources(*PACKAGES)
    ]
    alone = [name for knot in tidy.knots(ROOT, PACKAGES) for name in knot]
    assert import_each(ROOT, " ".join(modules), *alone) == ""


def test_a_module_that_cannot_be_imported_alone_would_be_found(tmp_path):
    files = {
        "p/__init__.py": "",
        "p/a.py": "from p.b import two\none = 1\n",
        "p/b.py": "import p.a\ntwo = 2\n",
        "p/c.py": "def late():\n    import p.d\n",
        "p/d.py": "import p.c\nif TYPE_CHECKING:\n    import p.e\n",
        "p/e.py": "import p.d\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert tidy.knots(tmp_path, ["p"]) == [["p.a", "p.b"]]
    # In this order the knot is no harm, and in the other it is.
    assert import_each(tmp_path, "p.a p.b p.c", "p.a") == ""
    assert "cannot import name 'two'" in import_each(tmp_path, "p.b")
