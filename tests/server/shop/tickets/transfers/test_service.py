"""Tickets passed on without a request, on a real Postgres: whose they are, and once."""

import asyncio

import pytest

from persistence.errors import Stale
from persistence.shop.tickets.register import open_register
from persistence.shop.tickets.transfers import (
    NewTransfer,
    accept,
    forget_transfers,
    offer,
)
from server.base.refusals.refusals import Denied, Refusal
from server.shop.tickets.token import Claims, verify
from server.shop.tickets.transfers.service import TransferService
from server.transport.ratelimit.meter import Meter
from tests.server.identities import GUEST, LENA, MIA, OLGA
from tests.server.shop.orders.giving.test_giver import booked
from tests.server.shop.orders.shop import open_shop
from tests.server.shop.tickets.test_service import Desk

pytestmark = pytest.mark.postgres

METER = Meter(None, "127.0.0.1", None, lambda _: None)
EMAIL = "mia@example.org"


@pytest.fixture
async def desk(house):
    await house.put("evt")
    return Desk(house)


@pytest.fixture
def passing(desk):
    return TransferService(desk.house.pool, desk.service)


async def code_of(desk) -> str:
    """Return the code of the newest mail."""
    (row, *_) = await desk.house.pool.fetch(
        "SELECT data ->> 'secret' AS secret FROM mail"
        " WHERE data ->> 'side' = 'offered' ORDER BY created_at DESC"
    )
    assert len(row["secret"]) >= 20
    return str(row["secret"])


async def offered(desk, passing) -> tuple[str, str]:
    """Return a ticket that is offered, and the code of its mail."""
    (one,) = await desk.book()
    await passing.offer(GUEST, one.ticket, EMAIL, None, METER)
    return one.ticket, await code_of(desk)


async def revoked(desk) -> list[int]:
    found = await desk.service.revoked(OLGA, "evt", 0)
    return [one.generation for one in found.items]


async def scan_in(desk, ticket: str) -> None:
    await desk.house.pool.fetch(
        "INSERT INTO checkin_list (event_id, list_id, name) VALUES ('evt', 'l', 'l')"
    )
    await desk.house.pool.fetch(
        "INSERT INTO checkin_state (ticket_id, event_id, list_id, state, at, nonce,"
        " gate, who, sort_at) VALUES ($1, 'evt', 'l', 'in', now(), 'n', 'g', 'w',"
        " now())",
        ticket,
    )


async def test_a_ticket_is_anothers_with_another_code_and_the_old_one_is_revoked(
    desk, passing
):
    ticket, code = await offered(desk, passing)
    before = await desk.service.find(GUEST, ticket)
    assert (before.ticket.state, before.code is not None) == ("offered", True)
    taken = await passing.accept(MIA, ticket, code, METER)
    assert (taken.ticket.holder, taken.ticket.state) == (MIA.user, "valid")
    assert taken.ticket.generation == 2
    claims = verify(taken.code, await desk.service.keyring.public_keys("org"))
    assert isinstance(claims, Claims)
    assert claims.generation == 2
    assert await revoked(desk) == [1]
    # Who sold it sees that it is there, and has no code any more.
    assert (await desk.service.find(GUEST, ticket)).code is None
    # The answer was lost, and Mia asks again.
    again = await passing.accept(MIA, ticket, code, METER)
    assert again == taken
    for who in (LENA, GUEST):
        with pytest.raises(Refusal, match="code_invalid"):
            await passing.accept(who, ticket, code, METER)
    # Nothing was asked of the event: it has booked what it had.
    local = await desk.house.registry.find("evt")
    assert local.board.counts()["booked"] == 1


async def test_of_many_that_have_the_code_one_takes_the_ticket(desk, passing):
    ticket, code = await offered(desk, passing)
    people = [MIA, LENA, OLGA, GUEST] * 3
    took = await asyncio.gather(
        *(passing.accept(one, ticket, code, METER) for one in people),
        return_exceptions=True,
    )
    good = [one for one in took if not isinstance(one, BaseException)]
    assert len({one.ticket.holder for one in good}) == 1
    assert {str(one) for one in took if isinstance(one, Refusal)} == {"code_invalid"}
    assert len(good) + sum(isinstance(one, Refusal) for one in took) == 12
    assert await revoked(desk) == [1]


async def test_what_is_withdrawn_or_over_is_whose_it_was(desk, passing):
    ticket, code = await offered(desk, passing)
    with pytest.raises(Refusal, match="transfer_open"):
        await passing.offer(GUEST, ticket, EMAIL, None, METER)
    for _ in range(2):
        assert (await passing.withdraw(GUEST, ticket, None)).state == "withdrawn"
        back = (await desk.service.find(GUEST, ticket)).ticket
        assert (back.state, back.generation) == ("valid", 1)
    with pytest.raises(Refusal, match="code_invalid"):
        await passing.accept(MIA, ticket, code, METER)
    await passing.offer(GUEST, ticket, EMAIL, None, METER)
    code = await code_of(desk)
    await desk.house.pool.fetch(
        "UPDATE ticket_transfer SET expires_at = now() WHERE state = 'offered'"
    )
    with pytest.raises(Refusal, match="code_invalid"):
        await passing.accept(MIA, ticket, code, METER)
    assert (await passing.store.end_over(), await passing.store.end_over()) == (1, 0)
    assert (await passing.find(GUEST, ticket)).state == "expired"
    assert (await desk.service.find(GUEST, ticket)).ticket.state == "valid"
    assert await revoked(desk) == []


async def test_an_offer_that_was_not_seen_is_not_taken_back(desk, passing):
    """Who looks at the first offer leaves the second one to whom it was made."""
    ticket, _ = await offered(desk, passing)
    first = (await passing.find(GUEST, ticket)).revision
    ended = await passing.withdraw(GUEST, ticket, (first,))
    assert ended.state == "withdrawn"
    for seen in (first, 0):
        with pytest.raises(Stale):
            await passing.withdraw(GUEST, ticket, (seen,))
    assert await passing.withdraw(GUEST, ticket, (ended.revision,)) == ended
    made = await passing.offer(GUEST, ticket, EMAIL, None, METER)
    for seen in (first, ended.revision):
        with pytest.raises(Stale):
            await passing.withdraw(GUEST, ticket, (seen,))
    assert await passing.find(GUEST, ticket) == made
    last = await passing.withdraw(GUEST, ticket, (made.revision,))
    assert (last.transfer, last.state) == (made.transfer, "withdrawn")
    assert len({first, ended.revision, made.revision, last.revision}) == 4


async def test_only_who_holds_a_ticket_passes_it_on(desk, passing):
    (one,) = await desk.book()
    for who in (LENA, OLGA):
        with pytest.raises(Denied, match="forbidden"):
            await passing.offer(who, one.ticket, EMAIL, None, METER)
    with pytest.raises(Refusal, match="ticket_not_found"):
        await passing.offer(MIA, one.ticket, EMAIL, None, METER)
    with pytest.raises(Refusal, match="transfer_not_found"):
        await passing.find(GUEST, one.ticket)
    with pytest.raises(Refusal, match="code_invalid"):
        await passing.accept(MIA, one.ticket, "guessed", METER)


async def test_the_same_key_offers_once(desk, passing):
    (one,) = await desk.book()
    first = await passing.offer(GUEST, one.ticket, EMAIL, "k", METER)
    assert await passing.offer(GUEST, one.ticket, EMAIL, "k", METER) == first
    with pytest.raises(Refusal, match="key_reused"):
        await passing.offer(GUEST, one.ticket, "else@example.org", "k", METER)
    rows = await desk.house.pool.fetch("SELECT recipient FROM mail")
    assert [row["recipient"] for row in rows] == [EMAIL]


async def test_nobody_passes_on_a_ticket_that_is_in(desk, passing):
    """Else one enters, hands the phone over the fence, and lets another in."""
    ticket, code = await offered(desk, passing)
    await scan_in(desk, ticket)
    with pytest.raises(Refusal, match="already_in"):
        await passing.accept(MIA, ticket, code, METER)
    found = await desk.service.find(GUEST, ticket)
    assert (found.ticket.holder, found.ticket.state) == (GUEST.user, "offered")
    await passing.withdraw(GUEST, ticket, None)
    with pytest.raises(Refusal, match="already_in"):
        await passing.offer(GUEST, ticket, EMAIL, None, METER)
    assert (await desk.service.find(GUEST, ticket)).ticket.state == "valid"


async def test_what_is_being_given_back_is_nobodys_to_take(desk, passing):
    ticket, code = await offered(desk, passing)
    found = (await desk.service.find(GUEST, ticket)).ticket
    await desk.set_state([found], "offered", "locked")
    with pytest.raises(Refusal, match="ticket_not_valid"):
        await passing.accept(MIA, ticket, code, METER)
    assert (await passing.find(GUEST, ticket)).state == "offered"


async def told(pool) -> set[tuple[str | None, str, str | None]]:
    """Return whose notices there are, with the side and where their one mail goes."""
    rows = await pool.fetch(
        "SELECT n.user_id, n.data ->> 'side' AS side, m.recipient, n.data ? 'secret' AS"
        " leaks FROM notice n LEFT JOIN mail m USING (notice_id)"
        " WHERE n.kind = 'ticket_transferred'"
    )
    found = {(row["user_id"], row["side"], row["recipient"]) for row in rows}
    assert len(found) == len(rows)
    assert not any(row["leaks"] for row in rows)
    return found


async def test_each_side_is_told_once_and_no_other_mail_is_written(desk, passing):
    pool = desk.house.pool
    ticket, code = await offered(desk, passing)
    assert await told(pool) == {(None, "offered", EMAIL)}
    await pool.fetch(
        "UPDATE account SET email = 'm@own.example', verified_at = now()"
        " WHERE user_id = $1",
        MIA.user,
    )
    took = [passing.accept(MIA, ticket, code, METER) for _ in range(3)]
    await asyncio.gather(*took, return_exceptions=True)
    await passing.accept(MIA, ticket, code, METER)
    assert await told(pool) == {
        (None, "offered", EMAIL),
        (MIA.user, "received", "m@own.example"),
        (GUEST.user, "given", None),
    }
    rows = await pool.fetch("SELECT kind FROM mail")
    assert {row["kind"] for row in rows} == {"ticket_transferred"}


async def test_what_is_offered_again_is_told_again(desk, passing):
    """To the same address, which has a code that is good no more."""
    ticket, code = await offered(desk, passing)
    await passing.withdraw(GUEST, ticket, None)
    await passing.offer(GUEST, ticket, EMAIL, None, METER)
    again = await code_of(desk)
    assert again != code
    # Who takes their own ticket is told that they have it.
    await passing.accept(GUEST, ticket, again, METER)
    rows = await desk.house.pool.fetch(
        "SELECT user_id, data ->> 'side' AS side FROM notice ORDER BY at"
    )
    assert [tuple(row) for row in rows] == [
        (None, "offered"),
        (None, "offered"),
        (GUEST.user, "received"),
    ]


async def test_who_is_erased_leaves_no_address_in_what_waits(desk, passing):
    await offered(desk, passing)
    pool = desk.house.pool
    async with pool.transaction() as connection:
        await forget_transfers(connection, LENA.user)
    assert len(await told(pool)) == 1
    async with pool.transaction() as connection:
        await forget_transfers(connection, GUEST.user)
    assert await pool.fetch("SELECT FROM mail") == []
    assert await told(pool) == set()


async def test_who_bought_is_told_at_the_orders_address_in_its_language(
    database_url, tmp_path
):
    async with open_shop(database_url, tmp_path) as shop:
        await booked(shop, 1)
        await shop.pool.fetch('UPDATE orders SET buyer = buyer || \'{"locale": "de"}\'')
        (row,) = await shop.pool.fetch("SELECT ticket_id, key_id FROM ticket")
        new = NewTransfer(
            transfer="tra",
            ticket=row["ticket_id"],
            event="evt",
            from_user="olga",
            email=EMAIL,
            code=b"c",
            number="N",
            secret="s",
        )
        async with shop.pool.transaction() as connection:
            await offer(connection, new)
        async with shop.pool.transaction() as connection:
            revision = await open_register(connection, "evt")
            assert await accept(
                connection, revision, row["ticket_id"], b"c", "mia", row["key_id"]
            )
        assert await told(shop.pool) == {
            (None, "offered", EMAIL),
            ("mia", "received", None),
            ("olga", "given", "olga@example.org"),
        }
        rows = await shop.pool.fetch("SELECT locale FROM mail")
        assert {row["locale"] for row in rows} == {"de"}
