"""People of the house: noted, found and forgotten by those whose they are.

Where one is named, the id of a registration is good, too: what it names is shown and
cancelled.
"""

from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.errors import Revisions, refuse_stale
from persistence.events.persons import AddressTaken, NewPerson, Person, Persons
from persistence.people.addresses import address_key
from server.base.access import may_make_some
from server.base.identity import Identity, Machine
from server.base.refusals.refusals import Refusal, refuse_denied, wrong_field
from server.events.attendees.problems import ATTENDEE_EXISTS, ATTENDEE_NOT_FOUND
from server.events.attendees.service_attendees import (
    REGISTRATION_KIND,
    AttendeeService,
    SeenRegistration,
    reader_of,
)
from server.people.organisations.membership import Memberships
from server.transport.mail.addresses import read_email
from server.transport.rest.idempotency import hash_request, new_id

STRANGER: Final = "Needs an organiser, or a member of an organisation."


class PersonMaker(Struct, frozen=True):
    """Somebody who may note people; `PersonService.maker` makes it."""

    who: Identity


class KnownPersons:
    """The people that somebody sees; `PersonService.seen_by` makes it.

    `text` is an id, or words of a name or address. Raises `Unavailable`.
    """

    def __init__(self, store: Persons, reader: str | None) -> None:
        self._store = store
        self._reader = reader

    async def list(
        self, text: str | None, *, limit: int, cursor: str | None
    ) -> tuple[list[Person], str | None]:
        """Return a page of them, the newest first, and where the next one begins."""
        return await self._store.list_of(
            self._reader, text=text, limit=limit, cursor=cursor
        )

    async def count(self, text: str | None) -> int:
        """Return how many there are in all."""
        return await self._store.count_of(self._reader, text=text)


class PersonService:
    """Notes, finds and forgets people. Raises `Unavailable`, and `Refusal`."""

    def __init__(
        self, store: Persons, attendees: AttendeeService, memberships: Memberships
    ) -> None:
        self._store = store
        self._attendees = attendees
        self._memberships = memberships

    async def maker(self, who: Identity) -> PersonMaker:
        """Return somebody who may note people, for whomever."""
        leads = isinstance(who, Machine) or await self._memberships.leads_any(who)
        refuse_denied(may_make_some(who, leads))
        return PersonMaker(who)

    async def create(
        self,
        maker: PersonMaker,
        email: str,
        name: str,
        organisation: str | None,
        key: str | None,
    ) -> Person:
        """Note somebody, for an organisation or, without one, for who asks."""
        who, email = maker.who, read_email(email)
        seller = await self._memberships.seller_of(who, organisation)
        request_hash = hash_request([address_key(email), name])
        person = new_id("per", f"{who.user} {seller or who.user}", key)
        new = NewPerson(person, seller, email, name, who.user, request_hash)
        try:
            made = await self._store.create(new)
        except AddressTaken as error:
            raise Refusal(ATTENDEE_EXISTS) from error
        except KeyError as error:
            detail = "There is no such organisation."
            raise wrong_field("organisation", detail) from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        return made

    async def seen_by(self, who: Identity) -> KnownPersons:
        """Return those whom an organiser, or a member of an organisation, sees."""
        if not who.organizer and not await self._memberships.belongs_to_any(who):
            raise Refusal("forbidden", STRANGER)
        return KnownPersons(self._store, reader_of(who))

    async def find(self, who: Identity, name: str) -> Person | SeenRegistration:
        """Return whom an id names; whom one may not see is not there."""
        if name.startswith(f"{REGISTRATION_KIND}_"):
            return await self._attendees.find(who, name)
        found = await self._store.find(name, reader_of(who))
        if found is None:
            raise Refusal(ATTENDEE_NOT_FOUND)
        return found

    async def delete(self, who: Identity, name: str, seen: Revisions) -> None:
        """Forget somebody, whose places stay; or cancel a registration.

        Raises `Stale`, too.
        """
        found = await self.find(who, name)
        # Nothing of either can be edited.
        refuse_stale(0, seen)
        if isinstance(found, SeenRegistration):
            await self._attendees.cancel(who, found)
            return
        whose = found.organisation_id, found.keeper_id
        await self._memberships.require_manager(who, *whose)
        if not await self._store.delete(found.person_id):
            raise Refusal(ATTENDEE_NOT_FOUND)


PERSON_SERVICE: Final = web.AppKey("person service", PersonService)
