import errno
import json
import subprocess
import sys
from typing import BinaryIO, cast

import pytest

from server.base.log import Output, plain, plain_json

PROGRAM = """
import asyncio, logging, warnings
from server.base.log import configure_logging

configure_logging("info")
log = logging.getLogger("asyncpg.pool")
log.debug("not shown")
log.info("shown %d", 1)
log.log(35, "between two levels")
log.critical("worst")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("with a trace")
warnings.warn("careful", ResourceWarning)

async def forget():
    async def fail():
        raise KeyError("nobody asked")
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task

asyncio.run(forget())
"""


@pytest.fixture(scope="module")
def lines():
    command = [sys.executable, "-W", "always", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout == b""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_json_and_says_when_and_how_bad(lines):
    assert len(lines) == 6
    assert all({"event", "level", "timestamp", "logger"} <= set(line) for line in lines)


def test_the_libraries_log_with_the_levels_that_we_know(lines):
    told = [(line["event"], line["level"]) for line in lines[:4]]
    assert told == [
        ("shown 1", "info"),
        ("between two levels", "warning"),
        ("worst", "error"),
        ("with a trace", "error"),
    ]
    assert lines[0]["logger"] == "asyncpg.pool"
    assert "ZeroDivisionError" in lines[3]["exception"]


def test_warnings_and_what_asyncio_reports_are_lines_too(lines):
    assert (lines[4]["level"], lines[4]["logger"]) == ("warning", "py.warnings")
    assert "careful" in lines[4]["event"]
    assert (lines[5]["level"], lines[5]["logger"]) == ("error", "asyncio")
    assert "nobody asked" in lines[5]["exception"]


def test_lines_of_a_worker_carry_its_number_in_every_thread():
    program = """
import logging, threading
import structlog
from server.base.log import configure_logging

configure_logging("info", worker=3)
structlog.get_logger().info("one")
thread = threading.Thread(target=logging.getLogger("other").warning, args=["two"])
thread.start()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["event"], line["worker"]) for line in told] == [
        ("one", 3),
        ("two", 3),
    ]


def test_lines_name_the_request_that_is_being_answered_and_no_other():
    program = """
import asyncio, logging
import structlog
from server.base.log import REQUEST_ID, configure_logging

configure_logging("info")
log = structlog.get_logger()

async def answer(name):
    token = REQUEST_ID.set(name)
    await asyncio.sleep(0)
    log.info("ours")
    logging.getLogger("other").warning("theirs")
    log.info("its own", request_id="said")
    REQUEST_ID.reset(token)
    log.info("after")

async def main():
    await asyncio.gather(answer("a"), answer("b"))

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    found = [(line["event"], line.get("request_id")) for line in told]
    for name in ("a", "b"):
        assert ("ours", name) in found
        assert ("theirs", name) in found
    assert found.count(("its own", "said")) == 2
    assert found.count(("after", None)) == 2
    assert len(found) == 8


class Disk:
    """Takes so many bytes, and then none."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.held = b""

    def write(self, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = data[: self.room]
        self.held += taken
        self.room -= len(taken)
        return len(taken)


def test_what_cannot_be_logged_is_lost_and_nothing_else():
    disk = Disk(8)
    output = Output(cast(BinaryIO, disk))
    for line in (b"one\n", b"two\n", b"three\n", b"four\n"):
        output.write(line)
        output.flush()
    assert disk.held == b"one\ntwo\n"
    disk.room = 1_000
    output.write(b"five\n")
    output.write(b"six\n")
    told = disk.held.splitlines()
    assert json.loads(told[2])["lines"] == 2
    assert told[3:] == [b"five", b"six"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_under_the_log_ends_no_program():
    program = """
from server.base.log import configure_logging
import structlog, sys
configure_logging("info")
log = structlog.get_logger()
for n in range(10_000):
    log.warning("a line", n=n)
print("went on")
"""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full
        )
    assert done.stdout == b"went on\n"


EVIL = "a\x1b[2J\x9bm\x7f\u202eb\u2028c ü 🎟"

SHOUT = f"""
from server.base.log import configure_logging
import structlog

configure_logging("info")
structlog.get_logger().info("said", by={EVIL!r})
"""


def test_no_line_holds_what_a_terminal_obeys():
    command = [sys.executable, "-c", SHOUT]
    done = subprocess.run(command, capture_output=True, check=True)
    (line,) = done.stderr.decode().splitlines()
    assert json.loads(line)["by"] == EVIL
    assert "ü 🎟" in line
    assert not any(sign in line for sign in "\x1b\x9b\x7f\u202e\u2028")


def test_a_text_for_a_terminal_shows_what_it_must_not_obey():
    assert plain(EVIL) == "a\\x1b[2J\\x9bm\\x7f\\u202eb\\u2028c ü 🎟"
    assert plain("two\nlines\r") == "two\nlines\\r"
    assert json.loads(plain_json(json.dumps(EVIL, ensure_ascii=False))) == EVIL
    # A mark of a far plane takes two of JSON's escapes.
    assert plain_json('"\U000e0041"') == '"\\udb40\\udc41"'
