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


class GuestLeft(Struct, array_like=True, tag="guest_left"):
    """A guest who is somebody else now; its token is still good."""

    guest: str


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(SignedOut | GuestLeft).decode


def tell_others(sign_ins: SignIns, bus: "Bus") -> None:
    """Connect the sign-ins of this process to those of all others."""

    def tell(user: str, subjects: list[str], sockets: bool) -> None:
        for begin in range(0, len(subjects), SUBJECTS_MAX):
            part = subjects[begin : begin + SUBJECTS_MAX]
            bus.publish(TOPIC, encode(SignedOut(user, part, sockets)))

    def tell_left(guest: str) -> None:
        # Where it is not heard, sockets of a guest go on as those of a guest.
        bus.publish(TOPIC, encode(GuestLeft(guest)))

    def hear(data: bytes) -> None:
        try:
            message = decode(data)
        except msgspec.DecodeError:
            # Of another version: the database says it in words that we know.
            sign_ins.look_soon()
            return
        if isinstance(message, GuestLeft):
            sign_ins.heard_left(message.guest)
        else:
            sign_ins.heard(message.user, message.subjects, message.sockets)

    sign_ins.tell, sign_ins.tell_left = tell, tell_left
    bus.subscribe(TOPIC, hear, sign_ins.look_soon)
