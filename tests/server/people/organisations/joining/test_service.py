"""Members invited and let in without a request."""

import msgspec
import pytest

from persistence.errors import Stale
from server.base.refusals.refusals import Denied, Refusal
from server.people.organisations.joining.service import JoiningService
from server.people.organisations.service import OrganisationService
from server.transport.mail.codes import hash_of_code
from server.transport.ratelimit.meter import RateLimited
from server.transport.ratelimit.request_limits import MAILS_BURST, NOTICES_BURST
from tests.server.identities import LENA, MIA, STAN
from tests.server.meters import Counter, uncounted
from tests.server.people.house import People

pytestmark = pytest.mark.postgres


class Desk:
    """Who invites and lets in, and whom it told of changes."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.told: list[str | None] = []
        service = OrganisationService(people.pool)
        service.on_change.append(self.told.append)
        self.joining = JoiningService(
            service.invitations, service.requests, service.changed
        )

    async def roles(self) -> dict[str, str]:
        rows, _ = await self.people.organisations.list_members("org", limit=50)
        return {row.user_id.removeprefix("usr_"): row.role for row in rows}

    async def confirm(self, name: str) -> None:
        await self.people.pool.fetch(
            "UPDATE account SET verified_at = now() WHERE user_id = $1", f"usr_{name}"
        )


@pytest.fixture
def desk(people):
    return Desk(people)


async def test_whom_a_leader_invites_joins_with_the_code_of_the_mail(desk):
    leader = await desk.people.member(LENA)
    made = await desk.joining.invite(
        leader, "mia@example.org", "staff", None, b"h", uncounted()
    )
    (mail,) = await desk.people.pool.fetch("SELECT data::text, locale FROM mail")
    data = msgspec.json.decode(mail["data"])
    told = (data["organisation"], data["inviter"], data["role"])
    assert told == ("Theatre", "Lena", "staff")
    code = hash_of_code(data["code"])
    offer = await desk.joining.find_offer(code)
    assert offer.invitation_id == made.invitation_id
    with pytest.raises(Refusal, match="forbidden"):
        await desk.joining.accept_offer(STAN, code)
    with pytest.raises(Refusal, match="forbidden"):
        await desk.joining.accept_offer(MIA, code)
    await desk.confirm("mia")
    assert await desk.joining.accept_offer(MIA, code) == ("org", "staff")
    assert desk.told == ["org"]
    with pytest.raises(Refusal, match="invitation_not_found"):
        await desk.joining.find_offer(code)
    with pytest.raises(Refusal, match="already_member"):
        await desk.joining.invite(
            leader, "mia@example.org", "staff", None, b"h", uncounted()
        )


async def test_an_invitation_is_the_leaders_to_take_back(desk):
    leader, staff = await desk.people.member(LENA), await desk.people.member(STAN)
    invited = leader, "mia@example.org", "leader", "key"
    made = await desk.joining.invite(*invited, b"h", uncounted())
    again = await desk.joining.invite(*invited, b"h", uncounted())
    assert again.invitation_id == made.invitation_id
    with pytest.raises(Refusal, match="key_reused"):
        await desk.joining.invite(*invited, b"other", uncounted())
    for asked in (
        desk.joining.invite(staff, "eve@example.org", "staff", None, b"h", uncounted()),
        desk.joining.find_invitation(staff, made.invitation_id),
        desk.joining.withdraw_invitation(staff, made.invitation_id, None),
    ):
        with pytest.raises(Denied, match="forbidden"):
            await asked
    found = await desk.joining.find_invitation(leader, made.invitation_id)
    assert found.state == "pending"
    with pytest.raises(Stale):
        await desk.joining.withdraw_invitation(leader, made.invitation_id, (1,))
    await desk.joining.withdraw_invitation(leader, made.invitation_id, None)
    with pytest.raises(Refusal, match="invitation_not_found"):
        await desk.joining.find_invitation(leader, made.invitation_id)


async def test_who_asks_to_join_is_let_in_by_who_leads(desk):
    ask = desk.joining.ask_to_join
    made, is_new = await ask(MIA, "org", "Hello", None)
    assert is_new
    assert await ask(MIA, "org", "Again", None) == (made, False)
    with pytest.raises(Refusal, match="already_member"):
        await ask(STAN, "org", "", None)
    with pytest.raises(Refusal, match="organisation_not_found"):
        await ask(MIA, "none", "", None)
    name, leader = made.request_id, await desk.people.member(LENA)
    for who in (MIA, LENA):
        membership = await desk.people.member(who)
        assert await desk.joining.find_request(membership, name) == made
    staff = await desk.people.member(STAN)
    with pytest.raises(Refusal, match="request_not_found"):
        await desk.joining.find_request(staff, name)
    for answer in (
        desk.joining.accept_request(staff, name, "staff", uncounted()),
        desk.joining.decline_request(staff, name, uncounted()),
    ):
        with pytest.raises(Denied, match="forbidden"):
            await answer
    accepted = await desk.joining.accept_request(leader, name, "staff", uncounted())
    assert (accepted.state, (await desk.roles())["mia"]) == ("accepted", "staff")
    assert desk.told == ["org"]


async def test_a_request_is_declined_by_who_leads_or_taken_back_by_who_made_it(desk):
    declined = desk.joining.decline_request
    leader = await desk.people.member(LENA)
    made, _ = await desk.joining.ask_to_join(MIA, "org", "", None)
    assert (await declined(leader, made.request_id, uncounted())).state == "declined"
    again, _ = await desk.joining.ask_to_join(MIA, "org", "", None)
    withdraw = desk.joining.withdraw_request
    with pytest.raises(Refusal, match="request_not_found"):
        await withdraw(LENA, "org", again.request_id, None)
    with pytest.raises(Stale):
        await withdraw(MIA, "org", again.request_id, (1,))
    await withdraw(MIA, "org", again.request_id, None)
    with pytest.raises(Refusal, match="request_not_found"):
        await desk.joining.find_request(leader, again.request_id)


async def test_whoever_gets_too_many_mails_is_neither_invited_nor_answered(desk):
    leader, meter = await desk.people.member(LENA), Counter().of(LENA.user)
    for _ in range(MAILS_BURST):
        meter.mail("eve@example.org")
    with pytest.raises(RateLimited):
        await desk.joining.invite(leader, "eve@example.org", "staff", None, b"h", meter)
    assert await desk.joining.invitations.count_of("org") == 0
    made, _ = await desk.joining.ask_to_join(MIA, "org", "", None)
    for _ in range(NOTICES_BURST):
        meter.notice("mia@example.org")
    name = made.request_id
    for asked in (
        desk.joining.accept_request(leader, name, "staff", meter),
        desk.joining.decline_request(leader, name, meter),
    ):
        with pytest.raises(RateLimited):
            await asked
    assert (await desk.joining.find_request(leader, name)).state == "pending"
    assert "mia" not in await desk.roles()


async def test_who_leads_hears_once_a_day_of_somebody_who_asks(desk):
    async def told() -> list[tuple[str, str]]:
        rows = await desk.people.pool.fetch(
            "SELECT user_id, data ->> 'request' AS request FROM notice"
            " WHERE kind = 'join_requested' ORDER BY at, user_id"
        )
        return [(row["user_id"], row["request"]) for row in rows]

    async def ask(message: str = "") -> str:
        made, _ = await desk.joining.ask_to_join(MIA, "org", message, None)
        return str(made.request_id)

    await desk.confirm("lena")
    first = await ask("Let me in: https://evil.example")
    assert await told() == [("usr_lena", first), ("usr_olga", first)]
    # Only whose address is known to be theirs has a mail, and not what was written.
    (mail,) = await desk.people.pool.fetch(
        "SELECT recipient, kind, data::text AS data FROM mail"
    )
    assert (mail["recipient"], mail["kind"]) == ("lena@example.org", "join_requested")
    assert msgspec.json.decode(mail["data"]) == {
        "organisation": "org",
        "request": first,
        "organisation_name": "Theatre",
        "asker": "Mia",
    }
    await ask("And now?")
    await desk.joining.withdraw_request(MIA, "org", first, None)
    second = await ask()
    assert second != first
    assert len(await told()) == 2
    await desk.joining.withdraw_request(MIA, "org", second, None)
    await desk.people.pool.fetch(
        "UPDATE join_request SET created_at = created_at - interval '1 day'"
    )
    third = await ask()
    assert (await told())[2:] == [("usr_lena", third), ("usr_olga", third)]
