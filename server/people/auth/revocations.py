"""Tells the other processes who was signed out, and hears it from them.

Only a shortcut: whoever misses it reads it in the database two seconds later.
"""

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from server.people.auth.sessions import SignIns

if TYPE_CHECKING:
    from server.transport.bus.bus import Bus

TOPIC: Final = "signed_out"
SUBJECTS_MAX: Final = 100
"""Of one message; a user with more sessions takes several."""


class SignedOut(Struct, array_like=True, tag="signed_out"):
    """Sessions of a user that ended."""

    user: str
    subjects: list[str]
    sockets: bool
    """Whether open sockets are closed as well."""


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(SignedOut).decode


def tell_others(sign_ins: SignIns, bus: "Bus") -> None:
    """Connect the sign-ins of this process to those of all others."""

    def tell(user: str, subjects: list[str], sockets: bool) -> None:
        for begin in range(0, len(subjects), SUBJECTS_MAX):
            part = subjects[begin : begin + SUBJECTS_MAX]
            bus.publish(TOPIC, encode(SignedOut(user, part, sockets)))

    def hear(data: bytes) -> None:
        try:
            message = decode(data)
        except msgspec.DecodeError:
            # Of another version: the database says it in words that we know.
            sign_ins.look_soon()
            return
        sign_ins.heard(message.user, message.subjects, message.sockets)

    sign_ins.tell = tell
    bus.subscribe(TOPIC, hear, sign_ins.look_soon)
