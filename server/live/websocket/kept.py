"""What capabilities keep for one connection, as its session knows it."""

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from server.live.websocket.session import Session


class Kept(Protocol):
    """What a capability keeps for one connection."""

    def __init__(self, session: "Session", /) -> None:
        """Begin with nothing."""

    def close(self) -> None:
        """Forget the connection, which has ended."""


K = TypeVar("K", bound=Kept)
