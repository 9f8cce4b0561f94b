"""What is noted of a call while it goes on, for the log of who did what.

Of calls that only read nothing is noted, but of those that take data away. What stores
the notes stands in `people/activity/`.
"""

from typing import Any, Final

from aiohttp import web

from server.base.identity import Identity, Machine


class Note:
    """What is known of a call while it goes on."""

    __slots__ = ("actor", "client", "details", "kept", "objects", "role")

    def __init__(self) -> None:
        self.actor: str | None = None
        self.role: str | None = None
        self.client = ""
        self.objects: dict[str, str] = {}
        self.details: dict[str, Any] = {}
        self.kept = True
        """Whether it is an act of somebody, for the log."""


NOTE: Final = web.RequestKey("note", Note)


def note_caller(
    request: web.BaseRequest, identity: Identity | None, client: str
) -> None:
    """Note who calls, and from where."""
    note = request.get(NOTE)
    if note is not None:
        note.client = client
        if identity is not None:
            note.actor, note.role = identity.user, identity.role
            if isinstance(identity, Machine):
                note.objects["organisation"] = identity.organisation


def note_taking(
    request: web.BaseRequest, identity: Identity | None, client: str
) -> None:
    """Note who takes data away by a call that reads, for the log."""
    request[NOTE] = Note()
    note_caller(request, identity, client)


def note_nothing(request: web.BaseRequest) -> None:
    """Leave a call out of the log: nobody does anything by it."""
    note = request.get(NOTE)
    if note is not None:
        note.kept = False


def note_actor(request: web.BaseRequest, user: str, role: str) -> None:
    """Note who acts, where that turns out only while the call goes on."""
    note = request.get(NOTE)
    if note is not None:
        note.actor, note.role = user, role


def note_objects(request: web.BaseRequest, **ids: str) -> None:
    """Note what a call is about beside what its path names, by the names of paths.

    Never anything that is a secret, or that a stranger typed in.
    """
    note = request.get(NOTE)
    if note is not None:
        note.objects |= ids


def note_details(request: web.BaseRequest, **details: Any) -> None:
    """Note what a call changed, in a few plain values; never a secret."""
    note = request.get(NOTE)
    if note is not None:
        note.details |= details
