"""AsyncAPI 3, made from the frames of the websocket."""

from typing import Any, Final, get_args

from inventory.commands import ClientCommand
from inventory.replies import BookOk, ExtendOk, HoldingOk, HoldOk, Ok, Refused, TakenOk
from server import __version__, limits
from server.api.live_examples import EXAMPLES
from server.api.schemas import Schema, components, without_discriminators
from server.organisations.sellers import STALE_S
from server.realtime import wire
from server.realtime.keys import KEY_LOOK_S
from server.realtime.live import HYSTERESIS, LEVELS, Capacity
from server.rest.live_events import EventAppeared, EventUpdated, EventWithdrawn

DESCRIPTION: Final = f"""\
One connection, many frames. Say who you are with the `Authorization` header of the
handshake or with `hello` as the first frame. Every client frame carries an integer `id`
of the client's choice and gets exactly one reply with it: `ok`, `refused` or `error`.

Subprotocol `{wire.JSON_PROTOCOL}` (the default) has text frames,
`{wire.MSGPACK_PROTOCOL}` the same objects as MessagePack in binary frames. A frame has
at most {limits.FRAME_BYTES_MAX} bytes (else closed with 1009); text that is not UTF-8
closes with 1007, what else breaks RFC 6455 (a frame without a mask, say) with 1002. A
connection with more than {limits.IN_FLIGHT_MAX} unanswered frames is not read. Closed
with 4001 where nobody says who is there within {limits.HELLO_S_MAX:.0f} s, with 4008
where nothing is taken from the socket, with 4029 for flooding, with 1012 when the
server stops.

A machine of an organisation shows its API key instead of a token, as `X-API-Key`, as
`Authorization: Bearer` or in `hello`. It watches with the scope `events:read`, drafts
of the organisation included, and may `block` and `unblock` at the organisation's events
with `events:write`; whatever else it sends is refused as `forbidden`. A key that is
revoked, rotated or has expired closes its sockets with 4001, mostly at once, within
{2 * KEY_LOOK_S:.0f} s in any case.

Who owns or leads an organisation may `block` and `unblock` at its events, and loses
that within {STALE_S:.0f} s of being removed, mostly at once.

After `watch_events` come `new_event`, `event_updated` and `event_deleted` as events are
published, changed and withdrawn, and `capacity` as the seats and places of one that is
for sale are taken: at {LEVELS[0]} and {LEVELS[1]} per cent and when none is free, once
each, and again after falling {HYSTERESIS} per cent below. These are hints for open
pages: one may be lost, and whoever comes back asks for the list, which is the truth.
Nobody is told of drafts.
"""

CHANNEL: Final = "socket"
FROM_CLIENT: Final[tuple[Any, ...]] = (
    *get_args(wire.SessionFrame),
    *get_args(ClientCommand),
)
REPLIES: Final[tuple[Any, ...]] = (
    Ok,
    wire.HelloOk,
    wire.WatchOk,
    HoldOk,
    ExtendOk,
    TakenOk,
    BookOk,
    HoldingOk,
    Refused,
    wire.ErrorFrame,
)
UNASKED: Final[tuple[Any, ...]] = (
    wire.Snapshot,
    wire.Delta,
    wire.Beat,
    wire.Sale,
    wire.Expired,
    wire.Bye,
    EventAppeared,
    EventUpdated,
    EventWithdrawn,
    Capacity,
)
REPLY_OF: Final[dict[str, Any]] = {
    "hello": wire.HelloOk,
    "watch": wire.WatchOk,
    "unwatch": Ok,
    "watch_events": Ok,
    "unwatch_events": Ok,
    "ping": Ok,
    "hold": HoldOk,
    "hold_best": HoldOk,
    "extend": ExtendOk,
    "release": TakenOk,
    "book": BookOk,
    "cancel": TakenOk,
    "block": TakenOk,
    "unblock": TakenOk,
    "holding": HoldingOk,
}


def build() -> Schema:
    """Return the AsyncAPI document."""
    frames = (*FROM_CLIENT, *REPLIES, *UNASKED)
    _, named = components(frames)
    without_discriminators(named)
    messages = {frame.__name__: _message(frame, named) for frame in frames}
    channel: Schema = {"$ref": f"#/channels/{CHANNEL}"}
    operations: Schema = {_op(frame): _asked(frame, channel) for frame in FROM_CLIENT}
    for frame in UNASKED:
        operations[f"send_{_op(frame)}"] = {
            "action": "send",
            "channel": channel,
            "summary": _first_line(named[frame.__name__]),
            "messages": [_ref(frame)],
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Onsale websocket",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8080", "protocol": "ws"}},
        "channels": {
            CHANNEL: {
                "address": "/v1/ws",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in messages
                },
            }
        },
        "operations": operations,
        "components": {"messages": messages, "schemas": named},
    }


def _asked(frame: Any, channel: Schema) -> Schema:
    """Describe what the server does with a client's frame."""
    replies = [REPLY_OF[_op(frame)], Refused, wire.ErrorFrame]
    return {
        "action": "receive",
        "channel": channel,
        "summary": " ".join((frame.__doc__ or "").split()),
        "messages": [_ref(frame)],
        "reply": {"channel": channel, "messages": [_ref(kind) for kind in replies]},
    }


def _message(frame: Any, named: dict[str, Schema]) -> Schema:
    name = frame.__name__
    described: Schema = {
        "name": name,
        "title": _op(frame),
        "summary": _first_line(named[name]),
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
    examples = [one for one in EXAMPLES if one["op"] == _op(frame)]
    if examples:
        described["examples"] = [{"payload": one} for one in examples]
    return described


def _op(frame: Any) -> str:
    return str(frame.__struct_config__.tag)


def _first_line(schema: Schema) -> str:
    return str(schema.get("description", ""))


def _ref(frame: Any) -> Schema:
    return {"$ref": f"#/channels/{CHANNEL}/messages/{frame.__name__}"}
