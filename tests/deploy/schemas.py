"""Files of deployment, held to the schemas that others publish for them."""

import subprocess
import sys
from pathlib import Path


def check_schema(name: str, file: Path) -> None:
    """Fail with what is wrong where a file is none of its kind."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", name]
    done = subprocess.run([*command, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
