"""The file of the test gateway: what was written is there, together or not at all."""

import stat

import pytest

from persistence.shop.payments.gateway_file import GatewayFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gateway.sqlite"


@pytest.fixture
def file(path):
    opened = GatewayFile(path)
    yield opened
    opened.close()


def test_a_record_is_kept_for_the_next_process(path):
    first = GatewayFile(path)
    first.put("session", "a", b"1", now_ms=1, alias="x", due_ms=5)
    first.put("session", "a", b"2", now_ms=2, alias="x", due_ms=6)
    first.close()
    second = GatewayFile(path)
    assert second.get("session", "a") == b"2"
    assert second.get("refund", "a") is None
    assert second.next_due_ms(0) == 6
    second.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_records_of_one_second_name_come_in_the_order_they_were_made(file):
    file.put("session", "b", b"1", now_ms=1, alias="x")
    file.put("session", "a", b"2", now_ms=1, alias="x")
    file.put("session", "b", b"3", now_ms=2, alias="x")
    file.put("refund", "c", b"4", now_ms=2, alias="x")
    assert file.of_alias("session", "x") == [b"3", b"2"]
    assert file.of_alias("session", "y") == []


def test_what_is_due_comes_first_what_is_longest_due(file):
    for key, due_ms in (("a", 30), ("b", 10), ("c", 20), ("d", None)):
        file.put("message", key, key.encode(), now_ms=0, due_ms=due_ms)
    assert file.due("message", 20, 9) == [b"b", b"c"]
    assert file.due("message", 99, 1) == [b"b"]
    assert file.due("session", 99, 9) == []
    assert file.next_due_ms(20) == 30
    assert file.next_due_ms(30) is None
    file.remove("message", "b")
    file.remove("message", "b")
    assert file.due("message", 20, 9) == [b"c"]


def test_writes_count_together_or_not_at_all(file):
    def break_off():
        with file.writing():
            file.put("session", "a", b"2", now_ms=0)
            file.remove("session", "b")
            raise KeyError

    file.put("session", "a", b"1", now_ms=0)
    file.put("session", "b", b"1", now_ms=0)
    with pytest.raises(KeyError):
        break_off()
    assert (file.get("session", "a"), file.get("session", "b")) == (b"1", b"1")
    with file.writing():
        file.put("session", "a", b"3", now_ms=0)
    assert file.get("session", "a") == b"3"


def test_what_is_old_is_forgotten_by_when_it_was_made(file):
    file.put("session", "a", b"1", now_ms=10)
    file.put("session", "b", b"1", now_ms=20)
    file.put("session", "a", b"2", now_ms=30)
    assert file.forget(20) == 1
    assert (file.get("session", "a"), file.get("session", "b")) == (None, b"1")


def steps_of(file, ask):
    """Return what sqlite does for a question, in hundreds of its own steps."""
    steps = 0

    def count():
        nonlocal steps
        steps += 1

    file._file.set_progress_handler(count, 100)
    ask()
    file._file.set_progress_handler(None, 0)
    return steps


def test_what_is_not_due_yet_is_not_looked_at(file):
    with file.writing():
        for number in range(5_000):
            file.put("session", f"{number}", b"1", now_ms=0, due_ms=1_000 + number)
            file.put("message", f"{number}", b"2", now_ms=0)
    for kind in ("session", "refund", "message"):
        assert steps_of(file, lambda kind=kind: file.due(kind, 1_002, 9)) <= 1
    assert file.due("session", 1_002, 9) == [b"1"] * 3
    assert steps_of(file, lambda: file.next_due_ms(1_002)) <= 1
