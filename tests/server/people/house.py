"""An organisation and its people, for tests of services over them without a server."""

from persistence.people.organisations import Organisations
from persistence.postgres.pool import Pool
from server.base.identity import Identity
from server.people.organisations.membership import Membership, Memberships
from tests.persistence.persons import organised, registered
from tests.server.identities import PEOPLE


class People:
    """What the services over people stand on."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.organisations = Organisations(pool)
        self.memberships = Memberships(self.organisations)

    async def member(self, who: Identity) -> Membership:
        """Return what somebody is to `org`, if anything."""
        return await self.memberships.find(who, "org")


async def open_people(database_url: str) -> People:
    """Make the people, and the organisation of three of them."""
    pool = await Pool.open(database_url)
    await registered(pool, *PEOPLE)
    await organised(pool, olga="owner", lena="leader", stan="staff")
    return People(pool)
