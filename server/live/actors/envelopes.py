"""A command wrapped for its way through the mailbox, with the hash of a keyed one."""

from collections.abc import Callable
from hashlib import sha256

from msgspec import msgpack

from inventory.commands import AnyCommand
from inventory.ports import Envelope
from inventory.replies import Reply

_encode = msgpack.Encoder().encode


def envelope_of(
    command: AnyCommand,
    user: str,
    organizer: bool,
    reply: Callable[[Envelope, Reply], None],
    size: int = 0,
    origin: str | None = None,
    *,
    system: bool = False,
) -> Envelope:
    """Wrap a command; the hash of a keyed one covers it without `id` and `key`.

    `system` is for the shop alone: no client's frame or body is wrapped with it.
    """
    key = command.key
    if key is None:
        return Envelope(
            command, user, organizer, reply, size=size, origin=origin, system=system
        )
    frame_id = command.id
    command.id, command.key = 0, None
    request_hash = hash_of(command)
    command.id, command.key = frame_id, key
    return Envelope(
        command, user, organizer, reply, key, request_hash, size, origin, system
    )


def hash_of(command: AnyCommand) -> bytes:
    """Return the hash of a command, whose `id` is 0 and which has no key."""
    return sha256(_encode(command)).digest()
