"""Machines on websockets: the keys that they show, and what they may send.

A key is looked up in the database where that was not done lately, and looked at again
for as long as its socket is open: one that is revoked, rotated or expired closes it.
"""

from collections.abc import Callable
from time import time
from typing import Final

from inventory.commands import Block, ClientCommand, Unblock
from inventory.replies import Refused, refuse
from persistence.people.api_keys import Scope
from server.base import access
from server.base.identity import GuestBook, Identity, KeyAuthenticator, Machine

KEY_LOOK_S: Final = 10.0
"""How long a socket goes without looking at its key again. A key that was found is
believed for as long, so one that another process ended, unheard, for at most twice."""


class TooManyKeys(Exception):
    """So many keys came from an address that no more are looked up for now."""


class Keys:
    """The keys that are shown on one connection, and the guests that may have lapsed.

    `guests` is where these are looked up; without it none lapses.
    """

    __slots__ = ("_machines", "_may_ask", "guests")

    def __init__(
        self,
        machines: KeyAuthenticator,
        may_ask: Callable[[], bool],
        guests: GuestBook | None = None,
    ) -> None:
        self._machines = machines
        self._may_ask = may_ask
        self.guests = guests

    def is_key(self, text: str) -> bool:
        """Return whether this looks like a key; no access token does."""
        return self._machines.is_key(text)

    async def find(self, key: str) -> Machine | None:
        """Return which machine a key proves, if any.

        Raises `Unavailable` and `TooManyKeys`.
        """
        if not self._machines.knows(key) and not self._may_ask():
            raise TooManyKeys
        return await self._machines.identify(key)

    def is_doubtful(self, who: Identity) -> bool:
        """Return whether somebody is a guest that is to be looked up first."""
        return self.guests is not None and self.guests.is_doubtful(who, time())

    async def find_guest(self, who: Identity) -> Identity | None:
        """Return a doubtful guest; None where it has lapsed.

        Raises `Unavailable` and `TooManyKeys`.
        """
        if not self._may_ask():
            raise TooManyKeys
        if self.guests is None or await self.guests.is_kept(who.user):
            return who
        return None

    async def find_again(self, key: str, within_s: float) -> Machine | None:
        """Return the same for a key that was good, a while later or when keys change.

        Raises `Unavailable`.
        """
        await self._machines.forgotten(within_s)
        return await self._machines.identify(key)


def refusal_of(machine: Machine, command: ClientCommand) -> Refused | None:
    """Return why a machine may not give a command; None where it may."""
    blocks = isinstance(command, Block | Unblock)
    return _refusal(access.may_command(machine, blocks=blocks))


def refusal_for(machine: Machine, scope: Scope | None) -> Refused | None:
    """Return why a machine may not do what needs a scope, or what is for people."""
    return _refusal(access.lacks(machine, scope))


def _refusal(denial: access.Denial | None) -> Refused | None:
    return None if denial is None else refuse(denial.code, denial.detail)
