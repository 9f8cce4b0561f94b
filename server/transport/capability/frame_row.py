"""One row of the table of frames: what clients may send on the websocket."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct

from inventory.replies import Ok
from persistence.people.api_keys import Scope
from server.base.identity import Identity

F = TypeVar("F", bound=Struct)


class FrameRow(Struct, Generic[F], frozen=True, kw_only=True):
    """One frame of a client: its type, what is done with it, and who may send it."""

    kind: type[F]
    """Its tag is the `op`, its docstring the description."""
    handle: Callable[[Any, Identity, F], None]
    """Called with the session (`server.live.websocket.session.Session`) and with who is
    signed in, and only then. Sees that the frame's id is answered exactly once, now or
    later, with `Session.answer`."""
    scope: Scope | None = None
    """What an API key needs to send it; without one none may."""
    reply: type[Ok] = Ok
    """What answers it, where it is not refused."""
    sends: tuple[type[Struct], ...] = ()
    """What the client is sent later, unasked, because it sent this."""
    examples: tuple[dict[str, Any], ...] = ()
    """Whole frames; they are tried in the order of the ids of all examples."""
