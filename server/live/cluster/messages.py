"""What processes of one cluster tell each other over the bus.

Addressed to one process: commands and their answers, wishes for a state, requests to
take or give an event. To all who follow an event: publications, states, beats. To all:
that a process is gone. Every message may be lost, late or doubled: commands carry the
deadline of whoever asks, and publications their place in line.

The bus checks that a message is of our cluster; what does not decode here is of another
version, and dropped.
"""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from inventory.commands import (
    ChangeSale,
    ClientCommand,
    Configure,
    DeleteEvent,
    LineCommand,
    SystemCommand,
)
from inventory.ports import BoardState, Publication

PROTOCOL: Final = 1
"""Processes that speak another version refuse to work together."""

ALL: Final = "all"
"""The topic that every process hears."""


def process_topic(process: str) -> str:
    """Return the topic that one process hears."""
    return f"p.{process}"


def event_topic(event: str) -> str:
    """Return the topic of whoever follows an event."""
    return f"e.{event}"


class Forwarded(Struct, array_like=True, gc=False):
    """A command on its way to the owner; `number` is the asking process's."""

    number: int
    user: str
    organizer: bool
    size: int
    request_hash: bytes
    command: (
        ClientCommand
        | ChangeSale
        | Configure
        | DeleteEvent
        | SystemCommand
        | LineCommand
    )
    origin: str | None = None
    system: bool = False


class Commands(Struct, array_like=True, tag="commands"):
    """Commands that one process forwards, in one turn of its loop."""

    sender: str
    items: list[Forwarded]


class Answered(Struct, array_like=True, gc=False):
    """The reply to a forwarded command."""

    number: int
    reply: Raw


class Answers(Struct, array_like=True, tag="answers"):
    """Replies of one turn of the owner's loop.

    `misdirected` are commands whose event the sender does not own: nothing happened.
    """

    items: list[Answered]
    misdirected: list[int]


class WantState(Struct, array_like=True, tag="want"):
    """Somebody follows these events, and asks how they stand."""

    sender: str
    events: list[str]


class State(Struct, array_like=True, tag="state"):
    """How an event stands at its owner."""

    owner: str
    state: BoardState


class Elsewhere(Struct, array_like=True, tag="elsewhere"):
    """The sender does not own this event, or not any more."""

    sender: str
    event: str


class Published(Struct, array_like=True, tag="published"):
    """What one committed batch changed."""

    publication: Publication


class EventBeat(Struct, array_like=True, tag="beat"):
    """Where an event stands though nothing changes: a lost last message shows."""

    owner: str
    event: str
    history_id: str
    epoch: int
    version: int


class Take(Struct, array_like=True, tag="take"):
    """Please own these events: their owner has just given them up."""

    events: list[str]


class Handed(Struct, array_like=True, tag="handed"):
    """These events are being given to that process: nobody else need own them."""

    process: str
    events: list[str]


class Move(Struct, array_like=True, tag="move"):
    """Please give this event to that process."""

    event: str
    process: str


class Gone(Struct, array_like=True, tag="gone"):
    """A process is dead for certain, or leaves; these events had it as their owner."""

    process: str
    events: list[str]


class Parting(Struct, array_like=True, tag="parting"):
    """The sender owns nothing more and leaves: please send it no more commands."""

    sender: str


class Parted(Struct, array_like=True, tag="parted"):
    """The sender sends no more commands to who leaves: this is its last message."""

    sender: str


class WantRates(Struct, array_like=True, tag="want_rates"):
    """Somebody asks how busy our events are."""

    sender: str


class Rates(Struct, array_like=True, tag="rates"):
    """The commits per second of the sender's events."""

    rates: list[tuple[str, float]]


Message = (
    Commands
    | Answers
    | WantState
    | State
    | Elsewhere
    | Published
    | EventBeat
    | Take
    | Handed
    | Move
    | Gone
    | Parting
    | Parted
    | WantRates
    | Rates
)

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Message).decode
