"""The slow twin of the rules against hoarding: a list of all that was ever let go."""

from typing import Any

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
CLOSED_S = [30, 60, 120, 240, 480, 960, 1_920]

Closed = dict[Any, int]
"""Until when places are closed: labels of seats, and `("area", label)`."""


def let_go(
    twin: Any, hold: dict[str, Any], seats: list[str], areas: Any, *, over: bool
) -> None:
    """Note what was given back; areas are named only where the hold is over."""
    if hold["origin"] is None:
        return
    twin.log.append(
        {
            "at": twin.now_ms,
            "user": hold["user"],
            "origin": hold["origin"],
            "count": len(seats) + sum(areas.values()),
            "places": [*seats, *(("area", label) for label in areas if over)],
            "lasts": HOUR_MS + 2 * twin.settings.hold_ttl_s * 1_000,
        }
    )


def held_from(twin: Any, origin: str) -> int:
    """Count what is held from a network, and what it let go within a minute."""
    held = [one for one in twin.holds if one["origin"] == origin]
    sizes = [len(one["seats"]) + sum(one["areas"].values()) for one in held]
    gone = [
        one["count"]
        for one in twin.log
        if one["origin"] == origin and one["at"] > twin.now_ms - MINUTE_MS
    ]
    counted: int = sum(sizes) + sum(gone)
    return counted


def closed(twin: Any) -> Closed:
    """Return what is closed to who asks now."""
    if twin.origin is None:
        return {}
    mine = _closed(twin, "user", twin.user)
    ours = _closed(twin, "origin", twin.origin)
    return {place: max(mine.get(place, 0), ours.get(place, 0)) for place in mine | ours}


def _closed(twin: Any, kind: str, who: str) -> Closed:
    times: dict[Any, int] = {}
    until: Closed = {}
    last: dict[Any, dict[str, Any]] = {}
    for one in twin.log:
        if one[kind] != who:
            continue
        for place in one["places"]:
            before = last.get(place)
            if before is None or before["at"] + before["lasts"] <= one["at"]:
                times[place], until[place] = 1, 0
            elif kind == "user" or before["user"] != one["user"]:
                # Of a network only those count who take turns.
                times[place] += 1
                if times[place] >= 3:
                    closed_s = CLOSED_S[min(times[place] - 3, 6)]
                    until[place] = one["at"] + closed_s * 1_000
            last[place] = one
    return {place: end for place, end in until.items() if end > twin.now_ms}


def check(
    twin: Any,
    hold: dict[str, Any] | None,
    quantity: int,
    seats: list[str],
    areas: Any,
) -> None:
    """Refuse a hold, or its named places, where they are for others now."""
    if twin.origin is None:
        return
    origin = twin.origin if hold is None else hold["origin"]
    settings = twin.settings
    most = max(settings.max_held_per_network, settings.max_per_booking)
    if origin is not None and held_from(twin, origin) + quantity > most:
        twin.refuse("held_too_often", retry_after_ms=5_000)
    shut = closed(twin)
    named = [seat for seat in seats if seat in shut]
    ends = [shut[one] for one in (*named, *(("area", x) for x in areas)) if one in shut]
    if ends:
        refuse_until(twin, ends, seats=named)


def refuse_until(twin: Any, ends: list[int], seats: list[str] | None = None) -> None:
    """Refuse what is closed, unless the whole network holds too much already."""
    if "held_too_often" in twin.reasons:
        return
    more: dict[str, Any] = {"seats": seats} if seats else {}
    twin.refuse("held_too_often", retry_after_ms=max(ends) - twin.now_ms, **more)
