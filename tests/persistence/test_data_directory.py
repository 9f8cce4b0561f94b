import stat
import subprocess
import sys

import pytest

from persistence.data_directory import (
    DataDirectory,
    DataDirectoryError,
    DataDirectoryInUse,
)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_lets_others_pass_and_not_look(tmp_path):
    data = DataDirectory(tmp_path / "deep" / "data")
    data.create()
    assert mode(data.path) == 0o711


def test_a_directory_that_was_there_keeps_its_mode(tmp_path):
    (tmp_path / "data").mkdir(mode=0o750)
    DataDirectory(tmp_path / "data").create()
    assert mode(tmp_path / "data") == 0o750


def test_a_second_server_is_refused_until_the_first_lets_go(tmp_path):
    first, second = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    with first:
        with pytest.raises(DataDirectoryInUse, match=r"in use by process \d+"):
            second.lock()
        assert not second.locked
    with second:
        assert second.locked


def test_the_lock_ends_with_its_process_and_no_child_inherits_it(tmp_path):
    # The owner starts a child that outlives it, as Postgres does for a moment.
    script = (
        "import os, subprocess, sys; from pathlib import Path\n"
        "from persistence.data_directory import DataDirectory\n"
        "DataDirectory(Path(sys.argv[1])).lock()\n"
        "child = subprocess.Popen(['cat'], stdin=0, stdout=subprocess.DEVNULL)\n"
        "print('locked', flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"locked\n"
        assert owner.wait(10) == -9
        with DataDirectory(tmp_path / "data") as data:
            assert data.locked


def test_a_shared_temporary_directory_is_refused(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    with pytest.raises(DataDirectoryError, match="shared temporary directory"):
        DataDirectory(tmp_path / "shared").create()


def test_a_file_in_its_place_is_a_clear_error(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(DataDirectoryError, match="cannot be made"):
        DataDirectory(tmp_path / "data").lock()


def test_a_secret_is_made_once_and_kept_to_ourselves(tmp_path):
    data = DataDirectory(tmp_path / "data")
    data.create()
    secret = data.secret("signing-key")
    assert len(secret) >= 43
    assert DataDirectory(data.path).secret("signing-key") == secret
    assert mode(data.path / "signing-key") == 0o600
    assert data.secret("another") != secret


def test_a_secret_that_others_can_read_is_refused(tmp_path):
    data = DataDirectory(tmp_path / "data")
    data.create()
    data.secret("signing-key")
    (data.path / "signing-key").chmod(0o644)
    with pytest.raises(DataDirectoryError, match="can be read by others"):
        data.secret("signing-key")


def test_a_record_is_replaced_as_a_whole(tmp_path):
    data = DataDirectory(tmp_path / "data")
    data.create()
    assert data.read_record("place") is None
    data.write_record("place", "one")
    data.write_record("place", "two")
    assert data.read_record("place") == "two"
    assert [path.name for path in data.path.iterdir()] == ["place"]
