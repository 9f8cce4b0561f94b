"""Announcements: made, changed and read by whom they concern, whoever asks."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from persistence.errors import Revisions, TooMany
from persistence.events.catalog import Catalog
from persistence.people.announcements import (
    Announcement,
    Announcements,
    Audience,
    NewAnnouncement,
)
from persistence.people.organisations import OrganisationNotFound
from server.base.access import may_act_for
from server.base.identity import Identity, Machine
from server.base.refusals.refusals import (
    Refusal,
    refuse_denied,
    too_many,
    wrong_field,
)
from server.people.announcements.job import AnnouncementJob
from server.people.announcements.problems import ANNOUNCEMENT_NOT_FOUND
from server.people.organisations.membership import Membership, Memberships
from server.people.organisations.problems import ORGANISATION_NOT_FOUND
from server.transport.rest.idempotency import new_id


class Message(Struct, frozen=True):
    """What to tell whom; `event` goes with the audience `ticket_holders`."""

    audience: Audience
    subject: str
    body: str
    event: str | None = None


class Reader(Struct, frozen=True):
    """Somebody who reads an organisation's announcements, all of them or as a holder.

    `holder` is who asks where they hold tickets and are no members: they get what is
    for these, without who sent it and how far that is. `reader_of` makes it.
    """

    organisation: str
    holder: str | None


class AnnouncementService:
    """Makes, changes and finds announcements. Raises `Unavailable`, and `Refusal`.

    A `membership` says who asks; all but reading is for those who lead.
    """

    def __init__(
        self,
        store: Announcements,
        job: AnnouncementJob,
        catalog: Catalog,
        memberships: Memberships,
    ) -> None:
        self.store = store
        self._job = job
        self._catalog = catalog
        self._memberships = memberships

    async def create(
        self,
        membership: Membership,
        message: Message,
        key: str | None,
        request_hash: bytes,
    ) -> Announcement:
        """Tell members, or an event's ticket holders, something by mail."""
        user, organisation = membership.require("leader").user, membership.id
        await self._check_event(organisation, message.event)
        new = NewAnnouncement(
            new_id("ann", f"{organisation} {user}", key),
            organisation,
            message.audience,
            message.event,
            message.subject,
            message.body,
            user,
            request_hash,
        )
        try:
            made = await self.store.create(new)
        except TooMany as error:
            raise too_many(error, "Too many within a day.") from error
        except OrganisationNotFound as error:
            raise Refusal(ORGANISATION_NOT_FOUND) from error
        if made.request_hash != request_hash:
            raise Refusal("key_reused")
        if made.deleted_at is not None:
            raise Refusal(ANNOUNCEMENT_NOT_FOUND)
        self._job.soon()
        return made

    async def edit(
        self,
        membership: Membership,
        announcement: str,
        subject: str | None,
        body: str | None,
        seen: Revisions,
    ) -> Announcement:
        """Change what an announcement says, as far as it is not sent.

        None is left as it is. Raises `Stale`, too.
        """
        membership.require("leader")
        edited = await self.store.edit(membership.id, announcement, subject, body, seen)
        if edited is None:
            raise Refusal(ANNOUNCEMENT_NOT_FOUND)
        return edited

    async def delete(
        self, membership: Membership, announcement: str, seen: Revisions
    ) -> None:
        """Take an announcement back, with those of its mails that are not sent.

        Raises `Stale`, too.
        """
        membership.require("leader")
        if not await self.store.delete(membership.id, announcement, seen):
            raise Refusal(ANNOUNCEMENT_NOT_FOUND)

    async def reader_of(self, who: Identity, organisation: str) -> Reader:
        """Return somebody as a reader: of the organisation, or with tickets for it."""
        membership = await self._memberships.find(who, organisation)
        denial = may_act_for(who, membership.id, membership.role, "member")
        if denial is None:
            return Reader(membership.id, None)
        holds = self.store.holds_tickets
        if isinstance(who, Machine) or not await holds(membership.id, who.user):
            refuse_denied(denial)
        return Reader(membership.id, who.user)

    async def find(self, reader: Reader, announcement: str) -> Announcement:
        """Return an announcement to a reader that it is meant for."""
        found = await self.store.find(reader.organisation, announcement, reader.holder)
        if found is None:
            raise Refusal(ANNOUNCEMENT_NOT_FOUND)
        return found

    async def _check_event(self, organisation: str, event: str | None) -> None:
        """Raise where the event whose ticket holders are told is not theirs."""
        if event is None:
            return
        row = await self._catalog.find_event(event)
        if row is None or row.organisation != organisation:
            raise wrong_field("event", "The organisation has no such event.")


ANNOUNCEMENT_SERVICE: Final = web.AppKey("announcement service", AnnouncementService)
