"""The tables of lines and places, and what their SQL does to them.

Late places have their ranks from the journal's own commit: `rank_places`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from inventory.line.draw import bucket_of, split
from persistence.events.line import entries, feeding, joining, lines
from persistence.events.line.lists import RANK_BYTES
from tests.simulation.statements import Connection, Row, Rows, Store, does

if TYPE_CHECKING:
    from inventory.ports import Batch

LINE: Final = (
    *("event_id", "draw", "mode", "phase", "paused", "rules", "rules_hash"),
    *("commitment", "seed", "root", "entries", "order_key", "line_hash"),
    *("opened_at", "closed_at", "revision", "fed", "round"),
    "message",
)
ENTRY: Final = (
    *("entry_id", "event_id", "draw", "user_id", "stub", "late", "joined_at"),
    *("wish", "paused", "turn", "turn_until", "hold", "ended", "over_at", "revision"),
)
NEXT: Final = ("event_id", "draw", "rules", "rules_hash", "commitment", "seed")


def columns(row: Row, named: Sequence[str]) -> Row:
    """Return some columns of a row."""
    return {name: row[name] for name in named}


def places(
    connection: Connection, event: str, draw: int, **having: object
) -> list[Row]:
    """Return the places of a draw with such values, as they were made."""
    return [
        one
        for one in connection.store.line_entry.values()
        if (one["event_id"], one["draw"]) == (event, draw)
        and all(one[name] == value for name, value in having.items())
    ]


# Lines.


@does(lines._FIND)
def _find(connection: Connection, event: str) -> Rows:
    row = connection.store.line.get(event)
    return [] if row is None else [columns(row, LINE)]


@does(lines._SEVERAL)
def _several_lines(connection: Connection, events: list[str]) -> Rows:
    return [row for event in events for row in _find(connection, event)]


@does(lines._BEGIN)
def _begin(connection: Connection, event: str, *values: Any) -> Rows:
    if event in connection.store.line:
        return []
    named = ("draw", "mode", *LINE[5:13])
    row = {
        "event_id": event,
        "phase": "opening",
        "paused": False,
        "opened_at": connection.store.now(),
        "closed_at": None,
        "revision": 0,
        "fed": 0,
        "taken": 0,
        "round": None,
        "message": None,
        **dict(zip(named, values, strict=True)),
    }
    connection.put(connection.store.line, event, row)
    return []


@does(lines._MOVE)
def _move(connection: Connection, event: str, draw: int, at: str, to: str) -> Rows:
    row = connection.store.line.get(event)
    if row is None or (row["draw"], row["phase"]) != (draw, at):
        return []
    closed_at = None
    if to == "over":
        closed_at = row["closed_at"] or connection.store.now()
    connection.change(connection.store.line, event, phase=to, closed_at=closed_at)
    return _find(connection, event)


@does(lines._NOTE_NEXT)
def _note_next(connection: Connection, event: str, *values: Any) -> Rows:
    if event not in connection.store.line_next:
        row = dict(zip(NEXT, (event, *values), strict=True))
        connection.put(connection.store.line_next, event, row)
    return []


@does(lines._FIND_NEXT)
def _find_next(connection: Connection, event: str) -> Rows:
    row = connection.store.line_next.get(event)
    return [] if row is None else [row]


@does(lines._FORGET_NEXT)
def _forget_next(connection: Connection, event: str, draw: int) -> Rows:
    row = connection.store.line_next.get(event)
    if row is not None and row["draw"] == draw:
        connection.remove(connection.store.line_next, event)
    return []


@does(lines._LOCK)
def _lock(connection: Connection, event: str) -> Rows:
    return []


@does(lines._RESTART)
def _restart(connection: Connection, event: str, draw: int) -> Rows:
    store = connection.store
    found, row = store.line_next.get(event), store.line.get(event)
    if found is None or found["draw"] != draw:
        return []
    connection.remove(store.line_next, event)
    if row is None or row["draw"] != draw - 1:
        return []
    connection.change(
        store.line,
        event,
        phase="gathering",
        paused=False,
        root=None,
        entries=None,
        order_key=None,
        line_hash=None,
        fed=0,
        taken=0,
        round=None,
        opened_at=store.now(),
        closed_at=None,
        revision=row["revision"] + 1,
        **columns(found, NEXT[1:]),
    )
    for one in places(connection, event, draw - 1, turn=None):
        connection.change(
            store.line_entry,
            one["entry_id"],
            draw=draw,
            late=False,
            step=None,
            rank=None,
            paused=False,
        )
    return []


@does(lines._CHANGED)
def _changed(connection: Connection, event: str, paused: bool | None) -> Rows:
    row = connection.store.line.get(event)
    if row is not None:
        paused = row["paused"] if paused is None else paused
        revision = row["revision"] + 1
        connection.change(
            connection.store.line, event, paused=paused, revision=revision
        )
    return []


@does(lines._COUNTS)
def _counts(connection: Connection, event: str, draw: int) -> Rows:
    mine = places(connection, event, draw)
    live = [one for one in mine if one["over_at"] is None]
    turned = sum(one["turn"] is not None for one in live)
    return [{"joined": len(mine), "live": len(live), "turns": turned}]


# Joining.


def _has_place(connection: Connection, new: Row) -> bool:
    """Return whether a live place of the draw is of the same user or device."""
    of = ("user_id", "email_hash", "device_hash")
    return any(
        one[name] == new[name]
        for one in places(connection, new["event_id"], new["draw"], over_at=None)
        for name in of
        if new[name] is not None
    )


@does(joining._JOIN)
def _join(connection: Connection, *values: Any) -> Rows:
    *several, _ = values
    named = (
        *("event_id", "entry_id", "stub", "user_id", "wish", "locale"),
        *("email_hash", "device_hash", "net", "proof", "captcha", "gates"),
    )
    store = connection.store
    asked = [dict(zip(named, row, strict=True)) for row in zip(*several, strict=True)]
    made: dict[str, Row] = {}
    for one in sorted(asked, key=lambda x: (x["event_id"], x["user_id"])):
        line = store.line.get(one["event_id"])
        if line is None or line["phase"] not in ("gathering", "late"):
            continue
        row = {
            **one,
            "draw": line["draw"],
            "late": line["phase"] == "late",
            "joined_at": store.tick(),
            **dict.fromkeys(("step", "rank", "turn", "turn_until", "hold", "ended")),
            "paused": False,
            "over_at": None,
            "revision": 0,
        }
        if not _has_place(connection, row):
            connection.put(store.line_entry, one["entry_id"], row)
            made[one["entry_id"]] = row
    found = []
    for one in asked:
        line, new = store.line.get(one["event_id"]), made.get(one["entry_id"])
        open_ = line is not None and line["phase"] in ("gathering", "late")
        told = {name: new and new[name] for name in ("draw", "late", "joined_at")}
        found.append({"entry_id": one["entry_id"], **told, "open": open_})
    return found


def rank_of(store: Store, line: Row, one: Row) -> int | None:
    """Return the rank of a place: of the row, else of an entrant as it was drawn."""
    rank: int | None = one["rank"]
    if rank is not None or one["late"] or one["draw"] != line["draw"]:
        return rank
    bucket = (one["event_id"], one["draw"], bucket_of(one["stub"]))
    page = store.line_bucket.get(bucket)
    if not line["taken"] or page is None or page["ranks"] is None:
        return None
    at = split(page["stubs"]).index(one["stub"]) * RANK_BYTES
    return int.from_bytes(page["ranks"][at : at + RANK_BYTES], "big")


def _told_rank(store: Store, line: Row, one: Row) -> int | None:
    if one["late"] or one["draw"] < line["draw"]:
        return one["rank"]  # type: ignore[no-any-return]
    rank = rank_of(store, line, one)
    return rank if rank is not None and rank <= line["fed"] else None


@does(joining._FOUND)
def _found(connection: Connection, events: list[str], users: list[str]) -> Rows:
    rows = []
    for event, user in zip(events, users, strict=True):
        line = connection.store.line.get(event)
        if line is None:
            continue
        mine = places(connection, event, line["draw"], over_at=None, user_id=user)
        named = (
            *("event_id", "user_id", "entry_id", "draw", "late", "joined_at"),
            *("stub", "wish"),
        )
        rows += [
            {**columns(x, named), "rank": _told_rank(connection.store, line, x)}
            for x in mine
        ]
    return rows


# Feeding.


@does(feeding._TAKE)
def _take(
    connection: Connection, event: str, draw: int, entrants: int, most: int
) -> Rows:
    ranked = [x for x in places(connection, event, draw) if x["rank"] is not None]
    last = max(ranked, key=lambda x: x["rank"], default=None)
    after = entrants if last is None else max(last["rank"], entrants)
    step = 1 if last is None else (last["step"] or 0) + 1
    late = places(connection, event, draw, late=True, rank=None, over_at=None)
    late.sort(key=lambda x: (x["joined_at"], x["entry_id"]))
    rows = []
    for one in late[:most]:
        connection.change(connection.store.line_entry, one["entry_id"], step=step)
        told = columns(one, ("entry_id", "user_id", "stub", "wish"))
        age_s = (connection.store.now() - one["joined_at"]).total_seconds()
        rows.append({**told, "step": step, "after": after, "age_s": age_s})
    return rows


@does(feeding._UNFED)
def _unfed(connection: Connection, older_s: float, most: int) -> Rows:
    store, found = connection.store, set()
    before = store.now() - timedelta(seconds=older_s)
    for event, line in store.line.items():
        if line["phase"] != "late" or line["order_key"] is None:
            continue
        late = {"late": True, "rank": None, "over_at": None}
        mine = places(connection, event, line["draw"], **late)
        if any(one["joined_at"] < before for one in mine):
            found.add(event)
    return [{"event_id": event} for event in sorted(found)[:most]]


def rank_places(store: Store, event: str, batch: "Batch") -> bool:
    """Rank what a batch feeds, in its commit; False where some place is not there."""
    by_stub = {one["stub"]: one for one in store.line_entry.values()}
    ranked = []
    for stub, rank in batch.ranked:
        one = by_stub.get(stub)
        good = one is not None and one["event_id"] == event and one["late"]
        if one is None or not good or one["step"] is None:
            return False
        if one["rank"] is not None or one["over_at"] is not None:
            return False
        ranked.append((one, rank))
    for one, rank in ranked:
        store.line_entry[one["entry_id"]] = {**one, "rank": rank}
    return True


# Places.


def _entry(connection: Connection, line: Row, one: Row) -> Row:
    rank = _told_rank(connection.store, line, one)
    return {**columns(one, ENTRY), "mode": line["mode"], "rank": rank}


def _with_ahead(connection: Connection, line: Row, one: Row) -> Row:
    told, ahead = _entry(connection, line, one), None
    if told["rank"] is not None and one["over_at"] is None:
        mine = places(connection, one["event_id"], one["draw"])
        over = [x["rank"] or told["rank"] for x in mine if x["over_at"] is not None]
        ahead = told["rank"] - 1 - sum(rank < told["rank"] for rank in over)
    return {**told, "ahead": ahead}


@does(entries._MINE)
def _mine(connection: Connection, event: str, user: str) -> Rows:
    line = connection.store.line.get(event)
    if line is None:
        return []
    mine = places(connection, event, line["draw"], user_id=user)
    mine.sort(key=lambda x: x["entry_id"])
    mine.sort(key=lambda x: x["joined_at"], reverse=True)
    mine.sort(key=lambda x: x["over_at"] is not None)
    return [_with_ahead(connection, line, one) for one in mine[:1]]


@does(entries._SEVERAL)
def _several(connection: Connection, events: list[str], users: list[str]) -> Rows:
    asked = zip(events, users, strict=True)
    return [row for event, user in asked for row in _mine(connection, event, user)]


@does(entries._NAMED)
def _named(connection: Connection, entry: str) -> Rows:
    one = connection.store.line_entry.get(entry)
    line = None if one is None else connection.store.line.get(one["event_id"])
    if one is None or line is None:
        return []
    return [_with_ahead(connection, line, one)]


def _of_users(
    connection: Connection, event: str, users: list[str]
) -> list[tuple[Row, Row]]:
    line = connection.store.line.get(event)
    if line is None:
        return []
    mine = places(connection, event, line["draw"], over_at=None)
    return [(line, one) for one in mine if one["user_id"] in users]


@does(entries._ACCOUNT)
def _account(connection: Connection, user: str) -> Rows:
    """Everybody is a guest here."""
    return []


@does(entries._LIVE)
def _live(connection: Connection, event: str, users: list[str]) -> Rows:
    return [
        {**columns(one, ("user_id", "entry_id")), "mode": line["mode"]}
        for line, one in _of_users(connection, event, users)
    ]


@does(entries._RANKS)
def _ranks(connection: Connection, event: str, draw: int, users: list[str]) -> Rows:
    ranked = [
        (one["user_id"], _told_rank(connection.store, line, one))
        for line, one in _of_users(connection, event, users)
        if one["draw"] == draw
    ]
    return [
        {"user_id": user, "rank": rank} for user, rank in ranked if rank is not None
    ]


@does(entries._OVER)
def _over(connection: Connection, event: str, entry: str) -> Rows:
    store = connection.store
    left = {"over_at": store.now(), "ended": "left"}
    one, line = store.line_entry.get(entry), store.line.get(event)
    if one is not None and line is not None:
        left["rank"] = rank_of(store, line, one)
    return _change(connection, event, entry, **left)


@does(entries._WISHED)
def _wished(connection: Connection, event: str, entry: str, wish: str | None) -> Rows:
    return _change(connection, event, entry, wish=wish)


@does(entries._PAUSED)
def _paused(connection: Connection, event: str, entry: str, paused: bool) -> Rows:
    one = connection.store.line_entry.get(entry)
    if one is not None and one["paused"] != paused:
        _change(connection, event, entry, paused=paused)
    return []


@does(entries._LONGER)
def _longer(connection: Connection, event: str, entry: str, until: datetime) -> Rows:
    one = connection.store.line_entry.get(entry)
    if one is not None and one["turn_until"] is not None and one["turn_until"] < until:
        _change(connection, event, entry, turn_until=until)
    return []


def _change(connection: Connection, event: str, entry: str, **fields: Any) -> Rows:
    """Change a place that is not over, and count that."""
    one = connection.store.line_entry.get(entry)
    if one is not None and one["event_id"] == event and one["over_at"] is None:
        fields["revision"] = one["revision"] + 1
        connection.change(connection.store.line_entry, entry, **fields)
    return []


def _ours(
    connection: Connection, event: str, user: str, change: Callable[[Row], Row]
) -> Rows:
    """Change somebody's place while the table has it; tell who has it."""
    line = connection.store.line.get(event)
    mine: list[Row] = []
    if line is not None:
        mine = places(connection, event, line["draw"], over_at=None, user_id=user)
    for one in mine:
        assert line is not None
        taken = line["taken"]
        if not one["late"] and taken:
            taken = (rank_of(connection.store, line, one) or 0) <= taken
        if one["step"] is None and (one["late"] or not taken):
            fields = {**change(one), "revision": one["revision"] + 1}
            connection.change(connection.store.line_entry, one["entry_id"], **fields)
            return [{"held": "here"}]
    return [{"held": "event" if mine else "nowhere"}]


@does(entries._LEAVE)
def _leave(connection: Connection, event: str, user: str) -> Rows:
    now = connection.store.now()
    return _ours(connection, event, user, lambda _: {"over_at": now, "ended": "left"})


@does(entries._WISH)
def _wish(connection: Connection, event: str, user: str, wish: str | None) -> Rows:
    return _ours(connection, event, user, lambda _: {"wish": wish})
