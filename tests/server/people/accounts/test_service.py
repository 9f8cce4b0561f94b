"""Users made, changed and deleted by administrators without a request."""

from collections.abc import Iterable

import pytest

from persistence.errors import Revisions, Stale
from persistence.people.users import User, Users
from server.base.identity import Identity
from server.base.refusals.refusals import Denied, Refusal
from server.people.accounts.service import UserService
from server.transport.ratelimit.meter import RateLimited
from server.transport.ratelimit.request_limits import MAILS_BURST
from tests.persistence.persons import accounts_of
from tests.server.identities import ADMIN, GUEST, LENA, MAKER, MIA, OLGA, machine
from tests.server.meters import Counter, uncounted
from tests.server.people.house import People

pytestmark = pytest.mark.postgres

TOKEN_S = 960


class Desk:
    """Who looks after users, and what it ended."""

    def __init__(self, people: People) -> None:
        self.ended: list[str] = []
        users = Users(people.pool, token_s=TOKEN_S, alone_s=TOKEN_S)
        self.service = UserService(accounts_of(people.pool), users, self._end)

    def _end(self, user: str, subjects: Iterable[str]) -> None:
        assert list(subjects)
        self.ended.append(user)

    async def make(
        self,
        email: str,
        key: str | None = None,
        name: str = "New",
        who: Identity = ADMIN,
    ) -> User:
        return await self.service.create(
            who, email, name, "organizer", key, uncounted()
        )

    async def suspend(
        self, user: str, who: Identity = ADMIN, seen: Revisions = None
    ) -> User:
        changed = await self.service.change(
            who,
            user,
            role=None,
            suspended=True,
            reason="Scalping",
            seen=seen,
        )
        return changed.after


@pytest.fixture
def desk(people):
    return Desk(people)


async def test_an_account_is_made_once_under_its_key(desk):
    made = await desk.make("new@example.org", "key")
    assert (made.role, made.name, made.suspended_at) == ("organizer", "New", None)
    assert await desk.make("new@example.org", "key") == made
    with pytest.raises(Refusal, match="key_reused"):
        await desk.make("new@example.org", "key", "Another")
    with pytest.raises(Refusal, match="email_taken"):
        await desk.make("NEW@example.org")


async def test_an_account_is_refused_where_its_address_got_too_many_mails(desk):
    meter = Counter().of(ADMIN.user)
    for _ in range(MAILS_BURST):
        meter.mail("new@example.org")
    with pytest.raises(RateLimited):
        await desk.service.create(
            ADMIN, "new@example.org", "New", "customer", None, meter
        )
    made = await desk.make("new@example.org")
    assert made.role == "organizer"


@pytest.mark.parametrize("who", [GUEST, MIA, MAKER, LENA, machine("org")])
async def test_users_are_for_administrators_alone(desk, who):
    for asked in (
        desk.make("new@example.org", who=who),
        desk.service.find(who, MIA.user),
        desk.suspend(MIA.user, who),
        desk.service.delete(who, MIA.user, None),
    ):
        with pytest.raises(Denied, match="forbidden"):
            await asked
    found = await desk.service.find(ADMIN, MIA.user)
    assert (found.suspended_at, desk.ended) == (None, [])


async def test_whoever_is_suspended_is_signed_out(desk):
    before = await desk.service.find(ADMIN, MIA.user)
    after = await desk.suspend(MIA.user, seen=(before.revision,))
    assert after.suspended_reason == "Scalping"
    assert desk.ended == [MIA.user]
    with pytest.raises(Stale):
        await desk.suspend(MIA.user, seen=(before.revision,))
    with pytest.raises(Refusal, match="user_not_found"):
        await desk.suspend("usr_gone")


async def test_whoever_is_deleted_is_gone(desk):
    await desk.service.delete(ADMIN, MIA.user, None)
    assert desk.ended == [MIA.user]
    for asked in (
        desk.service.find(ADMIN, MIA.user),
        desk.service.delete(ADMIN, MIA.user, None),
    ):
        with pytest.raises(Refusal, match="user_not_found"):
            await asked
    with pytest.raises(Refusal, match="last_owner"):
        await desk.service.delete(ADMIN, OLGA.user, None)


async def test_somebody_is_left_to_administer(desk):
    made = await desk.service.create(
        ADMIN, "new@example.org", "New", "admin", None, uncounted()
    )
    with pytest.raises(Refusal, match="last_admin"):
        await desk.service.delete(ADMIN, made.user_id, None)
    with pytest.raises(Refusal, match="last_admin"):
        await desk.suspend(made.user_id)
