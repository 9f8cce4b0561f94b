"""Where a cluster lies that cannot be in its data directory, and how it is moved."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedPostgres, EmbeddedPostgresError, discard
from persistence.embedded.account import choose_account
from persistence.embedded.moves import move_home
from persistence.embedded.places import (
    CLEANED,
    HOME_PARENT,
    HOME_RECORD,
    HOME_VARIABLE,
    OWNER_RECORD,
    make_home,
)
from tests.database import complete, query
from tests.scratch import make_folder

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        os.geteuid() != 0, reason="an ordinary user's database stays in place"
    ),
]


@pytest.fixture
def data():
    """A data directory that only root can reach."""
    folder = make_folder("homes")
    folder.chmod(0o700)
    made = DataDirectory(folder / "data")
    with made:
        yield made
    discard(made)
    shutil.rmtree(folder)


def start(data):
    server = EmbeddedPostgres(data)
    server.start()
    return server


def home_of(data):
    recorded = data.read_record(HOME_RECORD)
    assert recorded is not None
    return Path(recorded)


def settle_in(data, parent):
    """Put a database where former versions did."""
    home = parent / f"onsale-{os.getpid()}-{data.path.parent.name}"
    home.mkdir()
    home.chmod(0o711)
    data.write_record(HOME_RECORD, str(home))
    server = EmbeddedPostgres(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("persistence.embedded.cluster.may_be_cleaned", lambda *_: False)
        url = server.start()
    complete(query(url, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS x"))
    server.stop()
    assert (home / "postgres" / "PG_VERSION").exists()
    return home


def owners(folder):
    return {
        path.relative_to(folder): (path.lstat().st_uid, path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


def test_it_lies_where_no_clean_up_removes_it_and_root_is_told(data):
    server = start(data)
    try:
        home = home_of(data)
        assert home.parent == HOME_PARENT == Path("/var/lib/onsale")
        assert not any(home.is_relative_to(place) for place in CLEANED)
        assert stat.S_IMODE(HOME_PARENT.stat().st_mode) & 0o022 == 0
        assert DataDirectory(home).read_record(OWNER_RECORD) == str(data.path)
        (notice,) = server.notices
        assert str(home) in notice
        assert str(data.path) in notice
    finally:
        server.stop()


def test_it_lies_where_the_administrator_says(data):
    with pytest.MonkeyPatch.context() as patch:
        folder = make_folder("told")
        patch.setenv(HOME_VARIABLE, str(folder / "new" / "clusters"))
        try:
            home = make_home(data, choose_account(None))
            assert home.parent == folder / "new" / "clusters"
        finally:
            shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o770])
def test_a_place_where_others_can_write_is_refused(data, monkeypatch, mode):
    folder = make_folder("shared")
    try:
        folder.chmod(mode)
        monkeypatch.setenv(HOME_VARIABLE, str(folder))
        with pytest.raises(EmbeddedPostgresError, match="only this account can write"):
            make_home(data, choose_account(None))
        assert list(folder.iterdir()) == []
        assert data.read_record(HOME_RECORD) is None
    finally:
        shutil.rmtree(folder)


def test_a_place_that_cannot_be_made_is_told_with_the_setting(data, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, "/proc/clusters")
    with pytest.raises(EmbeddedPostgresError, match=HOME_VARIABLE):
        make_home(data, choose_account(None))


def test_a_place_out_of_reach_is_told_with_the_setting(data, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(data.path / "inside"))
    with pytest.raises(EmbeddedPostgresError, match=HOME_VARIABLE):
        make_home(data, choose_account(None))
    assert list((data.path / "inside").iterdir()) == []


@pytest.mark.slow
def test_an_old_one_is_moved_at_the_next_start(data):
    old = settle_in(data, Path("/var/tmp"))
    server = start(data)
    try:
        home = home_of(data)
        assert home.parent == HOME_PARENT
        assert not old.exists()
        count = "SELECT count(*) FROM t"
        assert complete(query(server.url, count))[0][0] == 1000
        assert any(str(old) in notice for notice in server.notices)
        assert any(str(home) in notice for notice in server.notices)
    finally:
        server.stop()
    server = start(data)
    server.stop()
    assert home_of(data) == home


@pytest.mark.slow
@pytest.mark.parametrize("linked", [True, False])
def test_a_move_keeps_every_file_its_owner_and_its_mode(data, monkeypatch, linked):
    old = settle_in(data, Path("/var/tmp"))
    before = owners(old / "postgres")
    if not linked:

        def refuse(*_, **__):
            raise OSError("another disk")

        monkeypatch.setattr(os, "link", refuse)
    home = move_home(data, old, choose_account(None))
    assert owners(home / "postgres") == before
    assert home_of(data) == home
    assert not old.exists()


@pytest.mark.slow
def test_what_cannot_be_moved_sells_where_it_is_and_says_so(data, monkeypatch):
    old = settle_in(data, Path("/var/tmp"))
    monkeypatch.setenv(HOME_VARIABLE, "/proc/clusters")
    server = start(data)
    try:
        count = "SELECT count(*) FROM t"
        assert complete(query(server.url, count))[0][0] == 1000
        assert any(HOME_VARIABLE in notice for notice in server.notices)
    finally:
        server.stop()
    assert home_of(data) == old


@pytest.mark.slow
def test_a_move_that_breaks_off_leaves_the_old_one_whole(data, monkeypatch):
    old = settle_in(data, Path("/var/tmp"))
    before = owners(old)
    # Where the clusters of other tests come and go, no look would tell what is ours.
    new = make_folder("broken-off")
    monkeypatch.setenv(HOME_VARIABLE, str(new))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(shutil, "copy2", full)
    try:
        with pytest.raises(EmbeddedPostgresError, match="No space left"):
            move_home(data, old, choose_account(None))
        assert owners(old) == before
        assert home_of(data) == old
        assert list(new.iterdir()) == []
    finally:
        shutil.rmtree(new)
