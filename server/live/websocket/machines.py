"""Machines on websockets: the keys that they show, and what they may send.

A key is looked up in the database where that was not done lately, and looked at again
for as long as its socket is open: one that is revoked, rotated or expired closes it.
"""

from collections.abc import Callable
from typing import Final

from inventory.commands import Block, ClientCommand, Unblock
from inventory.replies import Refused, refuse
from persistence.people.api_keys import Scope
from server.people.api_keys.api_keys import BELIEVED_S, Machine, Machines

KEY_LOOK_S: Final = BELIEVED_S
"""How long a socket goes without looking at its key again; a key that another process
ended, unheard, is believed for at most twice as long."""


class TooManyKeys(Exception):
    """So many keys came from an address that no more are looked up for now."""


class Keys:
    """The keys that are shown on one connection."""

    __slots__ = ("_machines", "_may_ask")

    def __init__(self, machines: Machines, may_ask: Callable[[], bool]) -> None:
        self._machines = machines
        self._may_ask = may_ask

    async def find(self, key: str) -> Machine | None:
        """Return which machine a key proves, if any.

        Raises `Unavailable` and `TooManyKeys`.
        """
        if not self._machines.knows(key) and not self._may_ask():
            raise TooManyKeys
        return await self._machines.identify(key)

    async def find_again(self, key: str, within_s: float) -> Machine | None:
        """Return the same for a key that was good, a while later or when keys change.

        Raises `Unavailable`.
        """
        await self._machines.forgotten(within_s)
        return await self._machines.identify(key)


def refusal_of(machine: Machine, command: ClientCommand) -> Refused | None:
    """Return why a machine may not give a command; None where it may.

    As over REST: it blocks and unblocks with a scope, and never buys.
    """
    if not isinstance(command, Block | Unblock):
        return refuse("forbidden", "An API key may block and unblock only.")
    return refusal_for(machine, "events:write")


def refusal_for(machine: Machine, scope: Scope | None) -> Refused | None:
    """Return why a machine may not do what needs a scope, or what is for people."""
    if scope is None:
        return refuse("forbidden", "API keys may not do this.")
    if scope not in machine.scopes:
        return refuse("forbidden", f"This API key lacks the scope {scope}.")
    return None
