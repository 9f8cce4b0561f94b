"""Examples of the line, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import EVENT_ID, MADE, page

WISH: Final[dict[str, Any]] = {
    "quantity": 2,
    "categories": ["stalls"],
    "together": True,
    "accessible": True,
    "if_none": "wait",
}
PLACE_TOKEN: Final = "eyJhbGciOiJFZERT.eyJhdWQiOiJwbGFjZSJ9.c2lnbmVk"
ENTRY_ID: Final = "entrant-0000000000000001"
PLACE: Final[dict[str, Any]] = {
    "event": EVENT_ID,
    "entry": ENTRY_ID,
    "place": PLACE_TOKEN,
    "stub": "b92c56fff7fc343319f60fff898e7fc0",
    "state": "joined",
    "phase": "waitlist",
    "rank": None,
    "ahead": None,
    "wish": WISH,
    "turn": None,
    "ended": None,
    "joined_at": MADE,
    "over_at": None,
    "poll_after_ms": 2_000,
    "outlook": None,
}
OUTLOOK: Final[dict[str, Any]] = {
    "here_ahead": 31,
    "from_s": 240,
    "to_s": 420,
    "odds": "likely",
    "odds_end": "very_likely",
    "facts": {"before": 37, "wanted": 88, "left": 120},
    "others": None,
}
WAITING: Final = {
    **PLACE,
    "state": "waiting",
    "rank": 412,
    "ahead": 37,
    "outlook": OUTLOOK,
}
LINE: Final[dict[str, Any]] = {
    "event": EVENT_ID,
    "mode": "list",
    "phase": "waitlist",
    "paused": False,
    "draw": 1,
    "rules": {
        "beacon": None,
        "beacon_wait_s": 60,
        "closes_at_ms": None,
        "draw": 1,
        "event": EVENT_ID,
        "fix_within_s": 6,
        "format": "onsale line 1",
        "late_step_ms": 250,
        "mode": "list",
        "offer_s": 600,
        "opens_at_ms": None,
        "round": None,
        "serve_away": True,
        "skip": "first_that_fits",
        "turn_s": 180,
        "without_beacon": "seed_only",
    },
    "rules_hash": "bf6fa9870ef83fb78b4fde2e61d65c6617e048dcc0d32c6e61ac8cdce1b1b66a",
    "commitment": "86e85d07bf1aa8e7261d4f5c2b1789270891faa515382ca8908a1e7082dd6cff",
    "seed": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "root": "ef81ba2699e8556c573014d92f1daaee01d426046f4798c0b39d44e2d86ba4f2",
    "entries": 0,
    "line_hash": "a60d8d79070cc3389c7a7bc90b7bb53ae2fe6ff4d9b498155d9ae2dfa1fda800",
    "opened_at": MADE,
    "counts": {"joined": 412, "waiting": 380, "turns": 2},
    "round": None,
    "statement": None,
    "signature": None,
    "beacon": None,
    "message": None,
}

CHALLENGE: Final[dict[str, Any]] = {
    "algorithm": "SHA-256",
    "challenge": "d6c8e1ee4f7f9b0f5c3d7a6b8f0f9a50ab6fca1a3ddfbd8d0c5d6a7d0b3f4c21",
    "salt": "0f4c2a6e8b1d3f5a7c9e0b2d?expires=1795000600&bits=16"
    "&for=5e1f0a7b3c9d2e4f6a8b0c1d3e5f7a9b&",
    "signature": "b7d1c0fe93b7a64e1cf0d1d6d6d9d6a7d5a8cf0f0b4a3a1c9b0e4c2c7d0a1f5e",
    "maxnumber": 65_535,
    "needed": True,
    "captcha": None,
}
OTHER_WISH: Final = {**WISH, "quantity": 1}


def example_of(op: str, number: int, **fields: Any) -> tuple[dict[str, Any], ...]:
    """Return the example of a frame; they are sent in the order of their numbers."""
    return ({"op": op, "id": number, "event": EVENT_ID, **fields},)


EXAMPLES: Final = Examples(
    requests={
        "join_line": {"wish": WISH, "locale": "en-GB"},
        "change_place": {"wish": OTHER_WISH},
        "change_line": {"offer_s": 900},
        "open_place": {"place": PLACE_TOKEN},
    },
    answers={
        "join_line": PLACE,
        "show_challenge": CHALLENGE,
        "show_place": WAITING,
        "change_place": {**WAITING, "wish": OTHER_WISH},
        "leave_line": {
            **WAITING,
            "state": "left",
            "ahead": None,
            "outlook": None,
            "ended": "left",
            "over_at": MADE,
            "poll_after_ms": 30_000,
        },
        "list_places": page({**WAITING, "phase": None, "outlook": None}),
        "show_line": LINE,
        "open_line": LINE,
        "change_line": LINE,
        "pause_line": {**LINE, "paused": True},
        "resume_line": LINE,
        "close_line": {**LINE, "phase": "over"},
    },
    queries={"list_places": {"live": True}},
)
