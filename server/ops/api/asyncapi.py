"""AsyncAPI 3, made from the frames of the websocket."""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from inventory.commands import (
    Block,
    Book,
    Cancel,
    Extend,
    Hold,
    HoldBest,
    Holding,
    Release,
    Unblock,
)
from inventory.limits import HOLD_GRACE_MS
from inventory.replies import BookOk, ExtendOk, HoldingOk, HoldOk, Ok, Refused, TakenOk
from server import __version__
from server.base import limits
from server.live.fanout import frames as wire
from server.live.fanout.event_feed import HYSTERESIS, LEVELS
from server.live.websocket.machines import KEY_LOOK_S
from server.ops.api.schemas import Schema, components, without_discriminators
from server.ops.api.socket_examples import EXAMPLES
from server.people.organisations.membership_cache import STALE_S
from server.transport.capability.frame_row import FrameRow

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
revoked, rotated or has expired, or whose holder, or all owners of the organisation, are
suspended, closes its sockets with 4001, mostly at once, within
{2 * KEY_LOOK_S:.0f} s in any case.

Who owns or leads an organisation may `block` and `unblock` at its events, and loses
that within {STALE_S:.0f} s of being removed, mostly at once. What follows a draft then
is closed with 4001, and so are the sockets of a guest who registers or logs in, of a
session that ends, and of a user with another role: say who you are, and go on.

A hold is its buyer's until its `expires_at`, and really ends
{HOLD_GRACE_MS // 1000} s later, so that a `book` sent in time is not lost on its way.
Then comes `expired`, and watchers see its seats free: never before, and in those
seconds a buyer who is late still succeeds. Count down to `expires_at` all the same.

After `watch_events` come `new_event`, `event_updated` and `event_deleted` as events are
published, changed and withdrawn, and `capacity` as the seats and places of one that is
for sale are taken: at {LEVELS[0]} and {LEVELS[1]} per cent and when none is free, once
each, and again after falling {HYSTERESIS} per cent below. These are hints for open
pages: one may be lost, and whoever comes back asks for the list, which is the truth.
Nobody is told of drafts.
"""

CHANNEL: Final = "socket"
REPLY_OF: Final[dict[Any, Any]] = {
    wire.Hello: wire.HelloOk,
    wire.Ping: Ok,
    Hold: HoldOk,
    HoldBest: HoldOk,
    Extend: ExtendOk,
    Release: TakenOk,
    Book: BookOk,
    Cancel: TakenOk,
    Block: TakenOk,
    Unblock: TakenOk,
    Holding: HoldingOk,
}
"""What the session itself takes, and what answers it."""
UNASKED: Final[tuple[Any, ...]] = (wire.Expired, wire.Bye)


def build(rows: Iterable[FrameRow[Any]], told: Iterable[type[Struct]] = ()) -> Schema:
    """Return the AsyncAPI document: of the session's own frames and of these rows.

    `told` is what else clients are told unasked.
    """
    rows = tuple(rows)
    reply_of = REPLY_OF | {row.kind: row.reply for row in rows}
    sent = (sent for row in rows for sent in row.sends)
    unasked = dict.fromkeys((*sent, *told, *UNASKED))
    replies = dict.fromkeys((*reply_of.values(), Refused, wire.ErrorFrame))
    examples = (*EXAMPLES, *(example for row in rows for example in row.examples))
    frames = (*reply_of, *replies, *unasked)
    _, named = components(frames)
    without_discriminators(named)
    messages = {frame.__name__: _message(frame, named, examples) for frame in frames}
    channel: Schema = {"$ref": f"#/channels/{CHANNEL}"}
    operations: Schema = {
        _op(frame): _asked(frame, reply, channel) for frame, reply in reply_of.items()
    }
    for frame in unasked:
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


def _asked(frame: Any, reply: Any, channel: Schema) -> Schema:
    """Describe what the server does with a client's frame."""
    replies = [reply, Refused, wire.ErrorFrame]
    return {
        "action": "receive",
        "channel": channel,
        "summary": " ".join((frame.__doc__ or "").split()),
        "messages": [_ref(frame)],
        "reply": {"channel": channel, "messages": [_ref(kind) for kind in replies]},
    }


def _message(
    frame: Any, named: dict[str, Schema], examples: Iterable[dict[str, Any]]
) -> Schema:
    name = frame.__name__
    described: Schema = {
        "name": name,
        "title": _op(frame),
        "summary": _first_line(named[name]),
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
    own = [one for one in examples if one["op"] == _op(frame)]
    if own:
        described["examples"] = [{"payload": one} for one in own]
    return described


def _op(frame: Any) -> str:
    return str(frame.__struct_config__.tag)


def _first_line(schema: Schema) -> str:
    return str(schema.get("description", ""))


def _ref(frame: Any) -> Schema:
    return {"$ref": f"#/channels/{CHANNEL}/messages/{frame.__name__}"}
