"""What people see of a room: messages, who is there, what it is set to.

Everybody sees names and, for telling people apart, an `author` that means nothing
outside of the room; only who moderates sees whose account that is. What is held is
shown to its author and to moderators alone.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from persistence.community.chat.messages import Message, State
from persistence.community.chat.rooms import Listed

AUTHOR_BYTES: Final = 6

Kind = Literal["event", "order"]


class MessageDocument(Struct, omit_defaults=True):
    """A message as it is now; `changed` is its revision. What is gone has no text."""

    id: str
    """Its number, as paths have it."""
    seq: int
    changed: int
    author: str
    name: str
    staff: bool
    text: str
    state: State
    at: datetime
    reply_to: int | None = None
    edited_at: datetime | None = None
    user: str | UnsetType = UNSET
    why: str | UnsetType = UNSET
    """Why it is held, `words` or `slow`: for who moderates."""


class Said(Struct, tag_field="op", tag="said", rename={"base": "from"}):
    """Something was said: `message` is null where it is held, and not for the caller.

    `from` is the number that came before: who knows a lower one has missed something
    and asks for `after` that.
    """

    room: str
    base: int
    to: int
    message: MessageDocument | None


class Changed(Struct, tag_field="op", tag="changed", rename={"base": "from"}):
    """A message is another now: edited, deleted, removed, or let through."""

    room: str
    base: int
    to: int
    message: MessageDocument | None


class RoomNow(Struct, tag_field="op", tag="room"):
    """Who is in a room now: by name, where they are 50 at most."""

    room: str
    present: int
    names: list[str]


class RoomOver(Struct, tag_field="op", tag="room_over"):
    """The caller is not in this room any more; `code` says why."""

    room: str
    code: Literal["banned"]


class RoomDocument(Struct):
    """A room, and what the caller is in it."""

    room: str
    kind: Kind
    event: str
    order: str | None
    seq: int
    slow_s: int
    closed: bool
    me: str
    """The caller as `author` of messages."""
    staff: bool
    seen: int
    muted_until: datetime | None
    words: list[str] | UnsetType = UNSET
    """A message that has one of them is held: for who moderates."""


class LastMessage(Struct):
    """What was said last."""

    name: str
    text: str
    at: datetime


class ListedRoom(Struct):
    """A room in a list; `unread` counts what was said or changed since it was seen."""

    room: str
    kind: Kind
    event: str
    event_name: str
    order: str | None
    reference: str | None
    unread: int
    last: LastMessage | None


def author_of(room: str, user: str) -> str:
    """Return what stands for somebody in a room, and for nobody elsewhere."""
    digest = blake2b(f"{room} {user}".encode(), digest_size=AUTHOR_BYTES)
    return digest.hexdigest()


def is_for(message: Message, user: str, staff: bool) -> bool:
    """Return whether somebody may see a message: what is held is not for all."""
    return staff or message.state != "held" or message.user_id == user


def document_of(message: Message, staff: bool) -> MessageDocument:
    """Return a message as somebody may see it, `staff` or not."""
    made = MessageDocument(
        id=str(message.seq),
        seq=message.seq,
        changed=message.changed,
        author=author_of(message.room, message.user_id),
        name=message.name,
        staff=message.staff,
        text=message.text,
        state=message.state,
        at=message.at,
        reply_to=message.reply_to,
        edited_at=message.edited_at,
    )
    if staff:
        made.user = message.user_id
        if message.why is not None:
            made.why = message.why
    return made


def documents_of(
    messages: Iterable[Message], user: str, staff: bool
) -> list[MessageDocument]:
    """Return those of some messages that somebody may see."""
    return [document_of(one, staff) for one in messages if is_for(one, user, staff)]


def listed_of(row: Listed) -> ListedRoom:
    """Return a room as lists have it."""
    last = None
    if row.last_at is not None:
        last = LastMessage(row.last_name or "", row.last_text or "", row.last_at)
    return ListedRoom(
        row.room,
        "event" if row.order_id is None else "order",
        row.event_id,
        row.event_name,
        row.order_id,
        row.reference,
        row.unread,
        last,
    )
