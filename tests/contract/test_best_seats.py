"""Best available, alternatives, accessible seats and orphans."""

import asyncio

from tests.contract.client import Api


async def numbers_by_row(
    api: Api, event: str, labels: list[str]
) -> dict[str, list[int]]:
    seats = {seat["label"]: seat for seat in (await api.map(event))["seats"]}
    rows: dict[str, list[int]] = {}
    for label in labels:
        seat = seats[label]
        rows.setdefault(seat["row"], []).append(int(seat["number"]))
    return {row: sorted(numbers) for row, numbers in rows.items()}


async def test_best_seats_are_adjacent_in_the_row_nearest_the_focal_point(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        reply = await buyer.ok("hold_best", event=event, quantity=4)
    assert reply["adjacent"] is True
    for field in ("hold", "expires_in_ms", "expires_at", "total", "added", "areas"):
        assert field in reply
    rows = await numbers_by_row(api, event, reply["seats"])
    assert list(rows) == ["A"]
    numbers = rows["A"]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert reply["total"] == {"amount": 4 * 4500, "currency": "EUR"}


async def test_pairs_asked_for_at_once_are_each_adjacent_and_never_the_same_seat(api):
    event = await api.sale("twenty")
    buyers = await api.guests(5)
    replies = await asyncio.gather(
        *(api.ok(event, buyer, "hold_best", quantity=2) for buyer in buyers)
    )
    taken = [label for reply in replies for label in reply["seats"]]
    assert len(taken) == len(set(taken)) == 10
    for reply in replies:
        rows = await numbers_by_row(api, event, reply["seats"])
        assert len(rows) == 1
        low, high = next(iter(rows.values()))
        assert high == low + 1


async def test_adjacent_refuses_rather_than_splits(api):
    event = await api.sale("twenty")
    every_second = [f"{row}-{n}" for row in "AB" for n in range(1, 11, 2)]
    await api.ok(event, api.admin, "block", seats=every_second)
    async with await api.socket(await api.guest()) as buyer:
        await buyer.refused("not_enough_seats", "hold_best", event=event, quantity=2)
        await buyer.refused(
            "not_enough_seats", "hold_best", event=event, quantity=2, adjacent=True
        )
        reply = await buyer.ok("hold_best", event=event, quantity=2, adjacent=False)
        assert reply["adjacent"] is False
        assert len(set(reply["seats"])) == 2
        assert not set(reply["seats"]) & set(every_second)


async def test_best_seats_keep_to_the_category(api):
    event = await api.sale("small")
    async with await api.socket(await api.guest()) as buyer:
        reply = await buyer.ok("hold_best", event=event, quantity=3, category="2")
        assert {label.split("-")[0] for label in reply["seats"]} == {"C"}
        assert reply["total"]["amount"] == 3 * 3000
        # Six more than the five that are left in that category's only row.
        await buyer.refused(
            "not_enough_seats", "hold_best", event=event, quantity=6, category="2"
        )
        refused = await buyer.ask(
            "hold_best", event=event, quantity=1, category="no such"
        )
        assert refused["op"] != "ok"


async def test_best_seats_leave_no_orphan_where_they_need_not(api):
    event = await api.sale("small")
    await api.ok(event, api.admin, "block", seats=[f"B-{n}" for n in range(1, 9)])
    await api.ok(event, api.admin, "block", seats=[f"C-{n}" for n in range(1, 9)])
    await api.ok(event, api.admin, "block", seats=["A-1", "A-2", "A-3"])
    # Free are 4 to 8: three seats at an end leave a pair, in the middle two orphans.
    reply = await api.ok(event, await api.guest(), "hold_best", quantity=3)
    assert sorted(reply["seats"]) in (["A-4", "A-5", "A-6"], ["A-6", "A-7", "A-8"])


async def test_accessible_seats_never_go_to_a_general_request(api):
    event = await api.sale("ramp", max_per_user=12, max_per_booking=12)
    buyer = await api.guest()
    taken: list[str] = []
    for _ in range(10):
        fields = {"quantity": 1, "adjacent": False}
        taken += (await api.ok(event, buyer, "hold_best", **fields))["seats"]
    assert not {"A-3", "A-4"} & set(taken)
    async with await api.socket(await api.guest()) as socket:
        for adjacent in (True, False):
            await socket.refused(
                "not_enough_seats",
                "hold_best",
                event=event,
                quantity=1,
                adjacent=adjacent,
            )
        reply = await socket.ok("hold_best", event=event, quantity=2, accessible=True)
        assert sorted(reply["seats"]) == ["A-3", "A-4"]


async def test_alternatives_are_few_free_and_of_the_same_size(api):
    event = await api.sale("hall")
    held = await api.ok(event, await api.guest(), "hold", seats=["R1-15", "R1-16"])
    letters = await api.letters(event, held["version"])
    offers: list[list[str]] = []
    async with await api.socket(await api.guest()) as buyer:
        for seats in (["R1-15"], ["R1-14", "R1-15"], ["R1-15", "R1-16", "R1-17"]):
            refused = await buyer.refused(
                "seat_not_free", "hold", event=event, seats=seats
            )
            assert set(refused["seats"]) == set(seats) & {"R1-15", "R1-16"}
            offers = refused["alternatives"]
            assert 1 <= len(offers) <= 3
            for offer in offers:
                assert len(offer) == len(set(offer)) == len(seats)
                assert {letters[label] for label in offer} == {"f"}
        await buyer.ok("hold", event=event, seats=offers[0])


async def test_alternatives_differ_from_buyer_to_buyer(api):
    event = await api.sale("hall")
    await api.ok(event, await api.guest(), "hold", seats=["R10-15", "R10-16"])
    offers = []
    for buyer in await api.guests(12):
        answer = await api.command(event, buyer, "hold", seats=["R10-15", "R10-16"])
        offers.append(str(answer.body["alternatives"]))
    assert len(set(offers)) >= 3


async def test_alternatives_are_offered_even_when_nothing_is_left(api):
    event = await api.sale("twenty")
    await api.ok(event, api.admin, "block", seats=[f"A-{n}" for n in range(1, 11)])
    await api.ok(event, api.admin, "block", seats=[f"B-{n}" for n in range(1, 11)])
    async with await api.socket(await api.guest()) as buyer:
        fields = {"event": event, "seats": ["A-1"]}
        refused = await buyer.refused("seat_not_free", "hold", **fields)
        assert refused["alternatives"] == []


async def test_a_single_seat_between_taken_ones_is_refused_where_the_event_asks(api):
    event = await api.sale("hall", prevent_orphans=True)
    async with await api.socket(await api.guest()) as buyer:
        await buyer.refused(
            "orphan_seat", "hold", event=event, seats=["R5-10", "R5-12"]
        )
        await buyer.ok("hold", event=event, seats=["R5-10", "R5-11"])
        await buyer.refused("orphan_seat", "hold", event=event, seats=["R5-13"])
        await buyer.ok("hold", event=event, seats=["R5-12"])


async def test_a_single_seat_may_stay_where_the_event_does_not_ask(api):
    event = await api.sale("hall")
    await api.ok(event, await api.guest(), "hold", seats=["R5-10", "R5-12"])
