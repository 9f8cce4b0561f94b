"""What a bus between processes is, whatever carries it.

Purpose: to say something to whoever listens, quickly, and to know when something may
have been missed. Nothing that is said here is true for being said: the database is.

Implemented by `RedisBus`, and by `MemoryBus` for a process that is alone.
"""

from collections.abc import Callable
from typing import Protocol

OnSent = Callable[[int | None], None]
"""Called with how many received a message; None where that is not known."""


class BusError(Exception):
    """The bus cannot be used; the text is a sentence for the operator."""


class BusRefused(BusError):
    """It is there and does not let us in, which waiting does not change."""


class Bus(Protocol):
    """What may be said and heard; a topic is a short name that all processes know.

    What was published arrives in order, at most once, or not at all; those hear it,
    too, who say it.
    """

    @property
    def published(self) -> int:
        """Return how many messages were taken for sending."""
        ...

    @property
    def received(self) -> int:
        """Return how many messages were given to a handler."""
        ...

    @property
    def dropped(self) -> int:
        """Return how many messages on our topics were not ours."""
        ...

    @property
    def reconnects(self) -> int:
        """Return how many connections were made anew."""
        ...

    @property
    def status(self) -> str:
        """Return ok, degraded (what we say does not come back), or down."""
        ...

    @property
    def refusal(self) -> str | None:
        """Return in a sentence that it has not let us in for long; None otherwise."""
        ...

    @property
    def health(self) -> dict[str, object]:
        """Return what the health page shows: a `status`, a `kind` and more."""
        ...

    async def start(self) -> None:
        """Connect, once; raises BusError. Nothing is said or heard before."""
        ...

    async def close(self) -> None:
        """Say what was published before, and disconnect; again, it does nothing."""
        ...

    def publish(self, topic: str, data: bytes, on_sent: OnSent | None = None) -> bool:
        """Say something; never waits, never raises.

        False: surely nobody hears it, and `on_sent` is not called. Else `on_sent` is
        called later, once.
        """
        ...

    def subscribe(
        self,
        topic: str,
        handler: Callable[[bytes], None],
        on_gap: Callable[[], None],
    ) -> None:
        """Hear a topic from now on; a second call for it replaces the first.

        `on_gap` is called whenever the subscription begins, the first time too: what
        was said before may be lost.
        """
        ...

    def unsubscribe(self, topic: str) -> None:
        """Hear a topic no longer."""
        ...
