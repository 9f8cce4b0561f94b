import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import asyncpg
import pytest

from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres
from persistence.embedded.places import HOME_RECORD, SOCKET_RECORD
from persistence.postgres.migrate import migrate
from server.ops.cli.main import app
from tests.database import complete, query
from tests.persistence.journals import open_store
from tests.persistence.sales import sell_some
from tests.scratch import make_folder

ROOT = Path(__file__).resolve().parents[4]
KEYS = {
    "event",
    "history_id",
    "epoch",
    "version",
    "counts",
    "bookings",
    "batches",
    "digest",
    "ok",
    "differences",
    "audited_at",
}

pytestmark = pytest.mark.postgres


def kept() -> dict[str, str]:
    """Return our environment without any setting of ours."""
    return {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TMPDIR")}


def onsale(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Type a command."""
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=ROOT,
        env=kept() | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def inside(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in this process, which need not import all of it each time."""
    out, err = StringIO(), StringIO()
    with (
        mock.patch.dict(os.environ, kept() | environment, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        app(arguments)
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def make_sale(url: str) -> None:
    async def sell() -> None:
        async with open_store(url) as store:
            await sell_some(store, "evt")

    complete(sell())


def test_the_command_prints_the_receipt_and_ends_with_its_verdict(database_url):
    make_sale(database_url)
    as_json = onsale("audit", "evt", "--json", DATABASE_URL=database_url)
    assert as_json.returncode == 0, as_json.stderr
    receipt = json.loads(as_json.stdout)
    assert set(receipt) >= KEYS
    assert receipt["ok"] is True
    assert receipt["counts"] == {"free": 7, "held": 2, "booked": 5, "blocked": 1}

    table = inside("audit", "evt", "--database-url", database_url)
    assert table.returncode == 0, table.stderr
    assert receipt["digest"]["state"] in table.stdout
    assert "Journal and tables agree." in table.stdout

    complete(query(database_url, "DELETE FROM sold WHERE seat = 0"))
    table = inside("audit", "evt", "--database-url", database_url)
    assert table.returncode == 1
    assert "DIFFERENCE: Seat A-1 is booked by" in table.stdout
    as_json = inside("audit", "evt", "--json", DATABASE_URL=database_url)
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["ok"] is False


def test_what_cannot_be_audited_ends_with_2_and_one_sentence(database_url, tmp_path):
    url = f"--database-url={database_url}"
    for arguments, sentence in (
        (["nope", url], "There is no event 'nope'"),
        (["evt", "--database-url=postgresql://127.0.0.1:1/x"], "cannot be reached"),
        (["evt", "--database-url=nonsense"], "cannot be reached"),
        (["evt", f"--data-dir={tmp_path}"], "There is no database in"),
        (["evt", f"--data-dir={tmp_path / 'none'}"], "There is no database in"),
    ):
        done = inside("audit", *arguments)
        assert done.returncode == 2, arguments
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_database_of_a_data_directory_is_found_or_started():
    folder = make_folder("test")
    data = DataDirectory(folder / "data")
    postgres = EmbeddedPostgres(data)
    try:
        with data:
            url = postgres.start()

            async def set_up() -> None:
                connection = await asyncpg.connect(url)
                await migrate(connection)
                await connection.close()

            complete(set_up())
            make_sale(url)
            beside = onsale("audit", "evt", "--json", f"--data-dir={data.path}")
            assert postgres.pid is not None
            postgres.stop()
            # Somebody holds the directory, and no database runs that could be asked.
            locked = onsale("audit", "evt", "--json", f"--data-dir={data.path}")
        alone = onsale("audit", "evt", "--json", ONSALE_DATA_DIR=str(data.path))
    finally:
        postgres.stop()
        for record in [*folder.rglob(HOME_RECORD), *folder.rglob(SOCKET_RECORD)]:
            shutil.rmtree(record.read_text().strip(), ignore_errors=True)
        shutil.rmtree(folder)
    assert (beside.returncode, beside.stderr) == (0, "")
    assert locked.returncode == 2
    assert "is in use by process" in locked.stderr
    assert (alone.returncode, alone.stderr) == (0, "")
    assert json.loads(alone.stdout)["digest"] == json.loads(beside.stdout)["digest"]
