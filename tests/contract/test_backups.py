"""Backups taken while it sells, restored elsewhere, as clients and operators see it."""

import asyncio
import contextlib
import shutil
import stat

import pytest

from tests.contract.client import Api
from tests.contract.process import Server
from tests.contract.test_images import send
from tests.contract.test_operate import onsale
from tests.database import drop_database, make_database, query
from tests.pictures import picture
from tests.scratch import make_folder

# What a backup holds is tried of both in each run, all else of our own database.
EITHER = pytest.mark.parametrize(
    "two_servers",
    ["embedded", pytest.param("given", marks=pytest.mark.campaign)],
    indirect=True,
)


@pytest.fixture(params=["embedded", "given"])
def two_servers(request, server_url):
    """A server, one over another database, and what commands are told of each."""
    with contextlib.ExitStack() as stack:
        servers, told = [], []
        for _ in range(2):
            extra = {}
            if request.param == "given":
                url = make_database(server_url, "template1")
                stack.callback(drop_database, server_url, url)
                extra["DATABASE_URL"] = url
            server = Server()
            server.extra |= extra
            stack.callback(server.remove)
            servers.append(server)
            told.append({"ONSALE_DATA_DIR": str(server.data), **extra})
        yield servers, told


@pytest.fixture
def folder():
    made = make_folder("backups")
    yield made
    shutil.rmtree(made)


async def sell_until(stop, api, event, seats):
    """Hold and book one seat after the other; return which were sold."""
    sold = []
    guest = await api.guest()
    for seat in seats:
        if stop.is_set():
            break
        hold = await api.ok(event, guest, "hold", seats=[seat])
        await api.ok(event, guest, "book", hold=hold["hold"])
        sold.append(seat)
    return sold


async def test_a_backup_taken_while_it_sells_is_restored_elsewhere(two_servers, folder):
    (first, second), (told_first, told_second) = two_servers
    first.start()
    file = str(folder / "b")
    async with Api(first) as api:
        event = await api.sale("small", max_per_user=1_000)
        image = (await send(api, event, picture("JPEG"))).body["image"]
        shown = (await api.get(image["url"])).raw
        seats = [seat["label"] for seat in (await api.map(event))["seats"]]
        guest = await api.guest()
        held = await api.ok(
            event, guest, "hold", seats=[seats[0]], idempotency_key="key"
        )
        booked = await api.ok(event, guest, "book", hold=held["hold"])
        stop = asyncio.Event()
        selling = asyncio.create_task(sell_until(stop, api, event, seats[1:-1]))
        status, out, err = await onsale("backup", file, **told_first)
        stop.set()
        assert (status, err) == (0, "")
        assert "1 events audited" in out
        assert "2 images" in out
        assert await selling
        await api.ok(event, guest, "hold", seats=[seats[-1]])
        position = await api.availability(event, booked["version"])
    assert stat.S_IMODE((folder / "b").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["b"]

    status, out, err = await onsale("restore", file, **told_second)
    assert (status, err) == (0, "")
    assert "1 events have a new history, 1 were audited; 2 images" in out
    second.start()
    async with Api(second) as api:
        restored = await api.availability(event, booked["version"])
        assert restored["history_id"] != position["history_id"]
        letters = await api.letters(event)
        assert letters[seats[0]] == "b"
        assert letters[seats[-1]] == "f"
        # The key of before has its effect once; so has the token.
        again = await api.ok(
            event, guest, "hold", seats=[seats[0]], idempotency_key="key"
        )
        assert again["hold"] == held["hold"]
        assert (await api.get(image["url"])).raw == shown
        async with await api.socket(guest) as socket:
            since = {name: position[name] for name in ("history_id", "version")}
            reply = await socket.ok("watch", event=event, since=since)
            assert reply["resumed"] is False
        await api.ok(event, guest, "hold", seats=[seats[-1]])
        await api.audit(event)


@EITHER
async def test_a_restore_over_a_running_or_used_database_is_refused(
    two_servers, folder
):
    (first, second), (told_first, told_second) = two_servers
    first.start()
    second.start()
    file = str(folder / "b")
    assert (await onsale("backup", file, **told_first))[0] == 0
    status, out, err = await onsale("restore", file, **told_second)
    assert (status, out) == (2, "")
    assert "in use by process" in err or "has tables of Onsale already" in err
    second.stop()
    status, out, err = await onsale("restore", file, **told_second)
    assert (status, out) == (2, "")
    assert "has tables of Onsale already" in err
    # The backup is not replaced either.
    status, out, err = await onsale("backup", file, **told_first)
    assert (status, out) == (2, "")
    assert "is not overwritten" in err


@EITHER
async def test_a_stopped_servers_database_is_backed_up_and_has_a_new_history(
    two_servers, folder
):
    (first, _), (told, _) = two_servers
    first.start()
    async with Api(first) as api:
        event = await api.sale()
        before = await api.availability(event)
        # As an operator who restored by other means; servers are stopped for that.
        status, out, err = await onsale("new-history", **told)
        assert (status, out) == (2, "")
        assert "Stop them first" in err
    first.stop()
    assert (await onsale("backup", str(folder / "b"), **told))[0] == 0
    status, out, err = await onsale("new-history", **told)
    assert (status, out, err) == (0, "1 events have a new history.\n", "")
    first.start()
    async with Api(first) as api:
        after = await api.availability(event)
        assert after["history_id"] != before["history_id"]
        assert after["version"] == before["version"]


async def test_what_is_no_backup_or_nowhere_is_refused_with_a_sentence(folder):
    (folder / "text").write_text("not a backup")
    data = f"--data-dir={folder / 'data'}"
    for arguments, sentence in (
        (["restore", str(folder / "text"), data], "is no backup, or is damaged"),
        (["restore", str(folder / "nowhere"), data], "No such file"),
        (["backup", str(folder / "b"), data], "There is no database in"),
        (["backup", str(folder / "no" / "b"), data], "Nothing can be written to"),
        (["new-history", data], "There is no database in"),
        (["migrate", data], "There is no database in"),
    ):
        status, out, err = await onsale(*arguments)
        assert (status, out) == (2, ""), arguments
        assert sentence in err
        assert err.count("\n") == 1, err
    assert [path.name for path in folder.iterdir()] == ["text"]


@pytest.mark.parametrize("two_servers", ["given"], indirect=True)
async def test_a_backup_of_what_the_audit_finds_wrong_says_so(two_servers, folder):
    (first, _), (told, told_second) = two_servers
    first.start()
    async with Api(first) as api:
        event = await api.sale()
        guest = await api.guest()
        seat = (await api.map(event))["seats"][0]["label"]
        hold = await api.ok(event, guest, "hold", seats=[seat])
        await api.ok(event, guest, "book", hold=hold["hold"])
    await query(told["DATABASE_URL"], "DELETE FROM sold")
    for name, command, whose in (
        ("b", "backup", told),
        ("b", "restore", told_second),
    ):
        status, out, _ = await onsale(command, str(folder / name), **whose)
        assert status == 1
        assert f"DIFFERENCE: {event}: Seat {seat} is booked by" in out
    status, out, _ = await onsale("backup", str(folder / "c"), "--no-verify", **told)
    assert status == 0
    assert "audited" not in out


async def test_a_schema_is_migrated_apart_from_serving(empty_database_url):
    at = f"--database-url={empty_database_url}"
    status, out, _ = await onsale("migrate", "--check", at)
    assert status == 1
    assert "pending 0001_initial" in out
    status, out, err = await onsale("migrate", at)
    assert (status, err) == (0, "")
    assert "applied 0001_initial" in out
    for arguments in (["migrate", at], ["migrate", "--check", at]):
        status, out, _ = await onsale(*arguments)
        assert (status, out) == (0, "The schema is up to date.\n")
