from persistence.people.tokens import guests
from persistence.people.tokens.guests import GuestRows
from tests.persistence.journals import make_batch, make_booking

WEEK_S = 7 * 86_400


async def test_who_held_or_booked_is_kept(store):
    rows = GuestRows(store.pool)
    await rows.keep(["ann", "bob"])
    await rows.keep(["bob", "cat"])
    ownership = await store.own("evt")
    booked = [make_booking("b1")]
    await store.commit(ownership, make_batch(ownership, bookings=booked))
    kept = [await rows.is_kept(user) for user in ("ann", "bob", "cat", "buyer", "dan")]
    assert kept == [True, True, True, True, False]


async def test_rows_go_in_batches_when_their_tokens_have_expired(store, monkeypatch):
    monkeypatch.setattr(guests, "FORGET_MAX", 2)
    rows = GuestRows(store.pool)
    await rows.keep(["ann", "bob", "cat", "dan"])
    await store.query(
        "UPDATE guest SET seen_at = now() - interval '8 days' WHERE user_id <> 'dan'"
    )
    assert [await rows.forget(WEEK_S) for _ in range(3)] == [2, 1, 0]
    assert await rows.is_kept("dan")
