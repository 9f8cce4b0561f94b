"""Lists, entity tags, boards, journals and audits over REST."""

import uuid

import pytest

from tests.contract.client import Json, after, check_problem


async def events_named(api, **params: str) -> list[Json]:
    body = await api.good("GET", "/v1/events", who=api.admin, params=params)
    return list(body["items"])


async def test_the_list_of_events_goes_on_at_its_cursor(api):
    tag = uuid.uuid4().hex
    made = [await api.draft(None, capacity=5, name=f"{tag} {n}") for n in range(5)]
    seen: list[str] = []
    params = {"q": tag, "limit": "2"}
    for size in (2, 2, 1):
        page = await api.good("GET", "/v1/events", who=api.admin, params=params)
        assert len(page["items"]) == size
        seen += [item["id"] for item in page["items"]]
        params["cursor"] = page["next_cursor"]
    assert params["cursor"] is None
    assert sorted(seen) == sorted(event["id"] for event in made)


async def test_a_wrong_cursor_is_an_error_of_the_client(api):
    params = {"cursor": "not-a-cursor"}
    answer = await api.request("GET", "/v1/events", who=api.admin, params=params)
    assert 400 <= check_problem(answer)["status"] < 500


async def test_events_are_filtered_by_status_time_and_words(api):
    tag = uuid.uuid4().hex
    soon = await api.draft(
        None, capacity=5, name=f"{tag} soon", starts_at=after(days=2)
    )
    late = await api.draft(
        None, capacity=5, name=f"{tag} late", starts_at=after(days=90)
    )
    await api.change(late["id"], "publish")

    async def ids(**params: str) -> set[str]:
        return {item["id"] for item in await events_named(api, q=tag, **params)}

    assert await ids() == {soon["id"], late["id"]}
    assert await ids(status="draft") == {soon["id"]}
    assert await ids(status="on_sale") == {late["id"]}
    assert await ids(status="closed") == set()
    assert await ids(**{"from": after(days=30)}) == {late["id"]}
    assert await ids(to=after(days=30)) == {soon["id"]}
    assert await ids(**{"from": after(days=30), "to": after(days=60)}) == set()
    assert {e["id"] for e in await events_named(api, q=f"{tag} late")} == {late["id"]}
    assert await events_named(api, q=uuid.uuid4().hex) == []


@pytest.mark.parametrize("tail", ["", "/map", "/availability"])
async def test_a_read_with_its_own_etag_is_304(api, tail):
    event = await api.sale("small")
    path = f"/v1/events/{event}{tail}"
    first = await api.get(path, api.admin)
    etag = first.headers["etag"]
    same = await api.get(path, api.admin, if_none_match=etag)
    assert (same.status, same.raw) == (304, b"")
    other = await api.get(path, api.admin, if_none_match='"something-else"')
    assert (other.status, other.raw) == (200, first.raw)


async def test_lists_and_venues_carry_etags(api):
    venue = await api.venue("small")
    for path in ("/v1/events", "/v1/venues", f"/v1/venues/{venue}"):
        etag = (await api.get(path, api.admin)).headers["etag"]
        same = await api.get(path, api.admin, if_none_match=etag)
        assert same.status == 304, path


async def test_the_map_keeps_its_etag_and_the_board_changes_its_own(api):
    event = await api.sale("small")
    paths = [f"/v1/events/{event}/map", f"/v1/events/{event}/availability"]
    drawn, board = [(await api.get(p, api.admin)).headers["etag"] for p in paths]
    held = await api.ok(event, await api.guest(), "hold", seats=["A-1"])
    await api.availability(event, held["version"])
    still = await api.get(paths[0], api.admin, if_none_match=drawn)
    changed = await api.get(paths[1], api.admin, if_none_match=board)
    assert still.status == 304
    assert changed.status == 200
    assert changed.headers["etag"] != board


async def test_availability_and_counts_follow_every_kind_of_seat(api):
    event = await api.sale("small")
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", seats=["A-1"], areas={"GA1": 2})
    await api.ok(event, buyer, "book", hold=held["hold"])
    await api.ok(event, buyer, "hold", seats=["B-1", "B-2"], areas={"GA1": 1})
    last = await api.ok(event, api.admin, "block", seats=["C-8"], areas={"GA1": 1})
    letters = await api.letters(event, last["version"])
    assert {label: letter for label, letter in letters.items() if letter != "f"} == {
        "A-1": "b",
        "B-1": "h",
        "B-2": "h",
        "C-8": "x",
    }
    board = await api.availability(event)
    assert board["areas"] == {"GA1": {"free": 1, "held": 1, "booked": 2, "blocked": 1}}
    assert isinstance(board["history_id"], str)
    assert isinstance(board["epoch"], int)
    counts = (await api.event(event))["counts"]
    assert counts == {"free": 21, "held": 3, "booked": 3, "blocked": 2}


async def test_the_journal_gives_committed_changes_in_order_after_a_version(api):
    event = await api.sale("small")
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", seats=["A-1"])
    booked = await api.ok(event, buyer, "book", hold=held["hold"])
    path = f"/v1/events/{event}/journal"

    async def entries(after_version: int) -> list[Json]:
        params = {"after": str(after_version)}
        body = await api.good("GET", path, who=api.admin, params=params)
        return list(body["items"])

    everything = await entries(0)
    late = await entries(held["version"])
    assert len(everything) > len(late) >= 1
    assert everything[-len(late) :] == late
    assert await entries(booked["version"]) == []
    wrong = await api.request("GET", path, who=api.admin, params={"after": "x"})
    assert 400 <= check_problem(wrong)["status"] < 500


async def test_hold_tokens_are_in_no_answer_but_their_owners_and_in_no_log(
    api, log_since
):
    event = await api.sale("small")
    buyer, other = await api.guests(2)
    watcher = await api.socket(other)
    board = await watcher.watch(event)
    tokens = []
    for number in range(1, 5):
        held = await api.ok(event, buyer, "hold", seats=[f"A-{number}"])
        tokens.append(held["hold"])
    await api.ok(event, buyer, "extend", hold=tokens[0])
    await api.ok(event, buyer, "release", hold=tokens[1])
    booked = await api.ok(event, buyer, "book", hold=tokens[2])
    await watcher.ask("hold", event=event, seats=["A-1"])
    await watcher.ok("holding", event=event)
    await board.reach(booked["version"])
    texts = [b"".join(watcher.raw), log_since().encode()]
    await watcher.close()
    one = f"/v1/events/{event}"
    tails = ("", "/map", "/availability", "/journal?after=0", "/audit")
    for path in (*(one + tail for tail in tails), "/v1/events", "/health", "/metrics"):
        texts += [(await api.get(path, api.admin)).raw]
    assert len(set(tokens)) == 4
    for token in tokens:
        assert len(token) >= 16
        assert all(token.encode() not in text for text in texts)


async def test_the_audit_compares_journal_and_tables(api):
    event = await api.sale("small")
    buyer = await api.guest()
    held = await api.ok(event, buyer, "hold", seats=["A-1", "A-2"])
    await api.ok(event, buyer, "book", hold=held["hold"])
    receipt = await api.audit(event)
    text = str(receipt)
    for word in ("count", "version", "digest"):
        assert word in text
