"""The desk: who is taken in, and what one does with a place."""

from datetime import datetime

import pytest
from msgspec.structs import replace

from inventory.line.wishes import Wish
from inventory.settings import LineSettings
from persistence.events.line import joining
from server.base.refusals.refusals import CommandRefused, Denied, Refusal
from server.events.line import place_token, service
from server.events.line.service import Asked
from tests.server.events.line.room import FIFO, settings, who
from tests.server.identities import GUEST, MIA

pytestmark = pytest.mark.postgres


@pytest.fixture
async def full(room):
    await room.house.put("evt", capacity=2)
    await room.buy("early", 1)
    await room.buy("early", 1)
    return room


async def joined(room, name="ann", **more):
    return await room.desk.join(who(name), "evt", room.asked(**more))


async def test_a_guest_waits_as_anybody_does(full):
    place = await full.desk.join(GUEST, "evt", full.asked())
    assert (place.new, place.rank) == (True, None)
    assert full.joined == ["evt"]
    again = await full.desk.join(GUEST, "evt", full.asked())
    assert (again.new, again.entry, again.place) == (
        False,
        place.entry,
        place.place,
    )
    # Whoever feeds hears of who is new alone.
    assert full.joined == ["evt"]
    assert place.entry not in repr(place)


async def test_a_place_is_signed_once_for_a_join_that_reads_it(full, monkeypatch):
    monkeypatch.setattr(service, "SIGNED_MAX", 2)
    signed: list[bytes] = []
    sign = full.key.sign_bytes

    def noted(text):
        signed.append(text)
        return sign(text)

    monkeypatch.setattr(full.key, "sign_bytes", noted)
    place = await joined(full)
    _, entry = await full.desk.mine(who("ann"), "evt")
    assert full.desk.place_of(entry) == place.place
    assert len(signed) == 1
    # With a rank it is another text, and no more are kept than may be.
    await full.feed()
    _, ranked = await full.desk.mine(who("ann"), "evt")
    assert place_token.read(full.desk.place_of(ranked), full.key.public).rank == 1
    await joined(full, "bert")
    assert full.desk.place_of(entry) == place.place
    assert len(signed) == 4
    assert len(full.desk._signed) == 2


async def test_another_wish_is_no_second_place(full):
    await joined(full)
    with pytest.raises(Refusal, match="already_waiting"):
        await joined(full, quantity=2)
    # Who asks for nothing in particular has the place that they have.
    with pytest.raises(Refusal, match="bad_wish"):
        await full.desk.join(who("ann"), "evt", Asked())


@pytest.mark.parametrize(
    "wish", [None, Wish(11), Wish(1, ("no such",)), Wish(1, ("1", "1"))]
)
async def test_what_nobody_can_have_is_refused(full, wish):
    with pytest.raises(Refusal, match="bad_wish"):
        await full.desk.join(who("ann"), "evt", Asked(wish))
    await joined(full)
    with pytest.raises(Refusal, match="bad_wish"):
        await full.desk.set_wish(who("ann"), "evt", wish)


async def test_nobody_joins_what_they_cannot_see_or_what_is_not_sold(room):
    await room.house.put("evt", settings(sale_state="draft"))
    with pytest.raises(Refusal, match="event_not_found"):
        await joined(room)
    await room.house.put("later", settings(sale_state="scheduled"))
    with pytest.raises(Refusal, match="sale_not_open"):
        await room.desk.join(MIA, "later", room.asked())
    await room.house.put("none", settings(waitlist=False))
    with pytest.raises(Refusal, match="line_not_open"):
        await room.desk.join(MIA, "none", room.asked())


async def test_more_than_may_wait_are_told_when_to_come_again(full, monkeypatch):
    monkeypatch.setattr(joining, "JOINS_WAITING_MAX", 0)
    with pytest.raises(CommandRefused, match="overloaded") as refused:
        await joined(full)
    assert refused.value.refused.retry_after_ms == 2_000


async def test_one_device_has_one_place(full):
    await joined(full, device="phone-of-ann")
    with pytest.raises(Refusal, match="already_waiting"):
        await joined(full, "bert", device="phone-of-ann")
    await joined(full, "bert", device="phone-of-bert")


async def test_a_line_for_accounts_or_for_confirmed_addresses(room):
    terms = LineSettings(mode="list", identity="account", again=True)
    await room.house.put("evt", settings(line=terms), capacity=1)
    with pytest.raises(Denied):
        await room.desk.join(GUEST, "evt", room.asked())
    assert (await joined(room, "mia")).new
    mails = replace(terms, identity="email")
    await room.house.put("mail", settings(line=mails), capacity=1)
    with pytest.raises(Denied):
        await room.desk.join(GUEST, "mail", room.asked())
    with pytest.raises(Denied, match="forbidden"):
        await room.desk.join(MIA, "mail", room.asked())
    await room.house.pool.fetch(
        "UPDATE account SET verified_at = now(), email_key = lower(email)"
    )
    assert (await room.desk.join(MIA, "mail", room.asked())).new
    rows = await room.house.pool.fetch("SELECT email_hash FROM line_entry")
    assert sum(row["email_hash"] is not None for row in rows) == 1


async def test_who_had_a_turn_has_no_other_where_the_line_says_so(room):
    terms = LineSettings(mode="list")
    await room.house.put("evt", settings(line=terms), capacity=1)
    booking = await room.buy("early", 1)
    await room.join("ann")
    await room.cancel("early", booking)
    await room.cancel("ann", await room.book("ann", await room.offered("ann")))
    assert await room.turns("ann") == ["booked"]
    with pytest.raises(Refusal, match="turn_over"):
        await room.join("ann")
    # Who only left may come again.
    await room.join("bert")
    await room.desk.leave(who("bert"), "evt")
    assert (await room.join("bert"))[0].new


async def test_a_wish_is_set_before_and_after_it_is_fed(full):
    await joined(full)
    row = await full.desk.set_wish(who("ann"), "evt", Wish(2))
    assert (row.rank, row.wish) == (None, '{"quantity": 2}')
    await full.feed()
    row = await full.desk.set_wish(who("ann"), "evt", Wish(1))
    assert (row.rank, row.wish) == (1, '{"quantity": 1}')
    # The event serves the wish that it was told last.
    (booking, *_) = await full.house.pool.fetch("SELECT booking_id FROM booking")
    await full.cancel("early", booking["booking_id"])
    assert await full.turns("ann") == ["turn"]
    with pytest.raises(Refusal):
        await full.desk.set_wish(who("bert"), "evt", Wish(1))


async def test_a_pause_passes_one_over_and_keeps_the_rank(full):
    bookings = await full.house.pool.fetch("SELECT booking_id FROM booking")
    await full.join("ann", "bert")
    paused = await full.desk.pause(who("ann"), "evt", "pause")
    assert paused.paused
    await full.cancel("early", bookings[0]["booking_id"])
    assert await full.turns("ann", "bert") == [None, "turn"]
    resumed = await full.desk.pause(who("ann"), "evt", "resume")
    assert not resumed.paused
    await full.cancel("early", bookings[1]["booking_id"])
    assert await full.turns("ann") == ["turn"]
    assert await full.ranks("ann", "bert") == [(1, 0), (2, 1)]


async def test_who_leaves_is_out_and_hears_it_again(full):
    (ann,) = await full.join("ann")
    with pytest.raises(Refusal, match="place_not_found"):
        await full.desk.leave(who("ann"), "evt", "another")
    _, left = await full.desk.leave(who("ann"), "evt", ann.entry)
    assert (left.ended, left.rank) == ("left", 1)
    _, again = await full.desk.leave(who("ann"), "evt", ann.entry)
    assert again == left
    with pytest.raises(Refusal, match="place_not_found"):
        await full.desk.leave(who("bert"), "evt")
    with pytest.raises(Refusal, match="place_not_found"):
        await full.desk.pause(who("ann"), "evt", "pause")


async def test_who_died_while_somebody_left_is_gone_on_for(full, monkeypatch):
    """The event knows that it was left, the row does not: leaving again is enough."""
    await full.join("ann", "bert")

    async def dies(*_):
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(type(full.entries), "note_left", dies)
        with pytest.raises(ConnectionError):
            await full.desk.leave(who("ann"), "evt")
    assert await full.ranks("bert") == [(2, 1)]
    await full.desk.leave(who("ann"), "evt")
    assert await full.ranks("bert") == [(2, 0)]


async def test_a_place_opens_itself_and_nothing_else(full):
    guest = await full.desk.join(GUEST, "evt", full.asked())
    assert await full.desk.open_place(guest.place) == GUEST.user
    place = place_token.read(guest.place, full.key.public)
    assert (place.sub, place.event, place.draw) == (GUEST.user, "evt", 1)
    assert place.stub == guest.stub.hex()
    for wrong in (
        replace(place, event="other"),
        replace(place, draw=2),
        replace(place, sub=MIA.user),
    ):
        with pytest.raises(Refusal, match="place_not_found"):
            await full.desk.open_place(place_token.mint(full.key, wrong))
    with pytest.raises(Refusal, match="place_not_found"):
        await full.desk.open_place("no place")
    # An account's place needs that account.
    mia = await full.desk.join(MIA, "evt", full.asked())
    with pytest.raises(Denied, match="forbidden"):
        await full.desk.open_place(mia.place)
    found, entry = await full.desk.mine(GUEST, "evt", guest.place)
    assert (found.id, entry.entry_id) == ("evt", guest.entry)
    with pytest.raises(Refusal, match="place_not_found"):
        await full.desk.mine(GUEST, "evt", mia.place)


async def test_what_is_held_for_a_turn_is_told_to_whose_it_is(full):
    (booking, *_) = await full.house.pool.fetch("SELECT booking_id FROM booking")
    await full.join("ann")
    found, entry = await full.desk.mine(who("ann"), "evt")
    assert await full.desk.hold_of(who("ann"), found, entry) is None
    await full.cancel("early", booking["booking_id"])
    await full.follow()
    found, entry = await full.desk.mine(who("ann"), "evt")
    held = await full.desk.hold_of(who("ann"), found, entry)
    assert held.hold == entry.hold
    assert sum(held.areas.values()) == 1
    # And to nobody else.
    assert await full.desk.hold_of(who("bert"), found, entry) is None


async def test_a_line_in_front_of_a_sale_hides_ranks_until_it_opens(room):
    gathers = replace(FIFO, opens_at_ms=room.house.clock.now_ms() + 3_600_000)
    await room.house.put("evt", settings(line=gathers, sale_state="scheduled"))
    await room.join("ann")
    shown = await room.control.show(None, "evt")
    assert (shown.phase, shown.row.mode) == ("gathering", "fifo")
    assert await room.ranks("ann") == [(1, 0)]


async def test_a_turn_can_be_made_longer_and_is_told_so_from_then_on(room):
    await room.house.put("evt", settings(line=FIFO))
    await room.join("ann")
    with pytest.raises(CommandRefused) as none:
        await room.desk.extend_turn(who("ann"), "evt")
    assert none.value.refused.code == "turn_over"
    await room.give_turn()
    await room.follow()
    _, before = await room.desk.mine(who("ann"), "evt")
    reply = await room.desk.extend_turn(who("ann"), "evt")
    _, after = await room.desk.mine(who("ann"), "evt")
    # A tenth of 180 s.
    assert (after.turn_until - before.turn_until).total_seconds() == 18
    assert after.turn_until == datetime.fromisoformat(reply.expires_at)
    # An older end is none.
    await room.entries.note_longer("evt", after.entry_id, before.turn_until)
    _, still = await room.desk.mine(who("ann"), "evt")
    assert (still.turn_until, still.revision) == (after.turn_until, after.revision)
    for _ in range(9):
        await room.desk.extend_turn(who("ann"), "evt")
    with pytest.raises(CommandRefused) as most:
        await room.desk.extend_turn(who("ann"), "evt")
    assert most.value.refused.code == "extend_limit"
