"""Two hundred clients and twenty seats; and `kill -9` while they trade."""

import asyncio
import dataclasses
import logging
import os
import random
from typing import Any

import aiohttp
import pytest

from tests.contract.client import Api, Json, Person
from tests.contract.process import Server
from tests.contract.socket_client import Closed, Socket

CLIENTS = 200
ROUNDS = 4
KILLS = int(os.environ.get("ONSALE_TEST_KILLS", "3"))
SEED = int(os.environ.get("ONSALE_TEST_SEED") or random.randrange(1_000_000))

log = logging.getLogger("race")


@pytest.mark.race
async def test_two_hundred_clients_and_twenty_seats_make_twenty_winners(api):
    sockets = await asyncio.gather(
        *(api.socket(guest) for guest in await api.guests(CLIENTS))
    )
    labels = [f"{row}-{n}" for row in "AB" for n in range(1, 11)]
    for number in range(ROUNDS):
        event = await api.sale("twenty")
        dice = random.Random(number)
        wishes = [labels[at % 20] for at in range(CLIENTS)]
        dice.shuffle(wishes)
        replies = await asyncio.gather(
            *(
                socket.ask("hold", event=event, seats=[label])
                if number % 2 == 0
                else socket.ask("hold_best", event=event, quantity=1)
                for socket, label in zip(sockets, wishes, strict=True)
            )
        )
        await check_winners(api, event, sockets, replies)
    for socket in sockets:
        await socket.close()


async def check_winners(
    api: Api, event: str, sockets: list[Socket], replies: list[Json]
) -> None:
    won = [
        (socket, reply)
        for socket, reply in zip(sockets, replies, strict=True)
        if reply["op"] == "ok"
    ]
    taken = [label for _, reply in won for label in reply["seats"]]
    assert len(taken) == len(set(taken)) == len(won) == 20
    codes = {reply["code"] for reply in replies if reply["op"] != "ok"}
    assert codes <= {"seat_not_free", "not_enough_seats"}
    booked = await asyncio.gather(
        *(socket.ok("book", event=event, hold=reply["hold"]) for socket, reply in won)
    )
    versions = [reply["version"] for _, reply in won]
    versions += [reply["version"] for reply in booked]
    assert len(set(versions)) == 40
    assert max(versions) - min(versions) == 39
    board = await api.availability(event, max(versions))
    assert board["seats"] == "b" * 20
    await api.audit(event)


@dataclasses.dataclass
class Trader:
    """One buyer, what was promised to him, and what he does not know yet."""

    who: Person
    dice: random.Random
    bookings: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    cancelled: set[str] = dataclasses.field(default_factory=set)
    pending: Json | None = None
    commands: int = 0
    accepted: int = 0
    retried: int = 0

    def key(self) -> str:
        self.commands += 1
        return f"command-{self.commands}"

    async def trade(self, api: Api, event: str, labels: list[str]) -> None:
        """Hold, book and cancel until the server dies."""
        try:
            socket = await api.socket(self.who)
        except (aiohttp.ClientError, OSError):
            return
        try:
            while True:
                held = await self.ask(
                    socket, event, "hold", seats=self.dice.sample(labels, 2)
                )
                if held["op"] != "ok":
                    continue
                booked = await self.ask(socket, event, "book", hold=held["hold"])
                assert booked["op"] == "ok", booked
                if self.dice.random() < 0.6:
                    await self.ask(socket, event, "cancel", booking=booked["booking"])
        except (Closed, aiohttp.ClientError, OSError):
            return
        finally:
            await socket.close()

    async def ask(self, socket: Socket, event: str, op: str, **fields: Any) -> Json:
        """Send one keyed command and note what it promised."""
        self.pending = {"op": op, "key": self.key()} | fields
        reply = await socket.ask(event=event, **self.pending)
        self.learn(self.pending, reply)
        self.pending = None
        return reply

    def learn(self, command: Json, reply: Json) -> None:
        if reply["op"] != "ok":
            return
        self.accepted += 1
        if command["op"] == "book":
            self.bookings[reply["booking"]] = sorted(reply["seats"])
        elif command["op"] == "cancel":
            self.cancelled.add(command["booking"])

    async def settle(self, api: Api, event: str) -> None:
        """Retry, with its key, the command whose answer never came."""
        if self.pending is None:
            return
        self.retried += 1
        command = dict(self.pending)
        key = command.pop("key")
        op = command.pop("op")
        options = {"idempotency_key": key} | command
        answer = await api.command(event, self.who, op, **options)
        # What was held may be booked, and what was booked be cancelled.
        assert op == "hold" or answer.status < 300, answer.raw
        if answer.status < 300:
            first = answer.body
            again = await api.ok(event, self.who, op, **options)
            assert first["version"] == again["version"]
            assert first.get("booking") == again.get("booking")
            self.learn(self.pending, first)
            if op == "hold":
                await api.ok(event, self.who, "release", hold=first["hold"])
        self.pending = None

    async def make_room(self, api: Api, event: str) -> None:
        """Cancel all bookings but one, so that the next round can sell."""
        for booking in [*self.bookings][1:]:
            if booking not in self.cancelled:
                await api.ok(event, self.who, "cancel", booking=booking)
                self.cancelled.add(booking)

    async def check(self, api: Api, event: str) -> list[str]:
        """Find everything that was promised; give the seats."""
        kept: list[str] = []
        for booking, seats in self.bookings.items():
            if booking in self.cancelled:
                continue
            answer = await api.get(f"/v1/bookings/{booking}", self.who)
            assert answer.status == 200, (booking, answer.raw)
            assert all(f'"{label}"'.encode() in answer.raw for label in seats)
            kept += seats
        holding = await api.ok(event, self.who, "holding")
        text = str(holding)
        assert all(f"'{label}'" in text for label in kept)
        return kept


@pytest.mark.race
@pytest.mark.timeout(60 + 30 * KILLS)
async def test_no_acknowledged_booking_is_lost_and_no_seat_sold_twice_under_kill_9(
    server_on_disk: Server,
):
    dice = random.Random(SEED)
    async with Api(server_on_disk) as api:
        event = await api.sale("hall", max_per_user=10_000)
        traders = [
            Trader(guest, random.Random(f"{SEED} {number}"))
            for number, guest in enumerate(await api.guests(30))
        ]
        labels = [seat["label"] for seat in (await api.map(event))["seats"]]
    promised = 0
    for number in range(KILLS):
        before = count(traders)
        under_load_s = dice.uniform(0.2, 0.9)
        async with Api(server_on_disk) as api:
            work = [
                asyncio.create_task(trader.trade(api, event, labels))
                for trader in traders
            ]
            await asyncio.sleep(under_load_s)
            await asyncio.to_thread(server_on_disk.kill)
            await asyncio.gather(*work)
        await asyncio.to_thread(server_on_disk.start)
        async with Api(server_on_disk) as api:
            promised = await check_promises(api, event, traders, labels)
        log.info(
            "seed %d, kill %d of %d after %.2f s: %d commands, %d accepted,"
            " %d unanswered and retried; %d seats promised, all there, none twice",
            *(SEED, number + 1, KILLS, under_load_s),
            *(now - then for now, then in zip(count(traders), before, strict=True)),
            promised,
        )
    assert promised > 0
    log.info(
        "in all %d commands, %d accepted, %d unanswered and retried, %d bookings, %d"
        " cancelled; every audit was clean",
        *count(traders),
        sum(len(trader.bookings) for trader in traders),
        sum(len(trader.cancelled) for trader in traders),
    )


def count(traders: list[Trader]) -> tuple[int, int, int]:
    """Sum up what was asked, what was accepted, and what had to be retried."""
    return (
        sum(trader.commands for trader in traders),
        sum(trader.accepted for trader in traders),
        sum(trader.retried for trader in traders),
    )


async def check_promises(
    api: Api, event: str, traders: list[Trader], labels: list[str]
) -> int:
    """Check that what was acknowledged is there, once; free seats for the next."""
    await asyncio.gather(*(trader.settle(api, event) for trader in traders))
    kept = await asyncio.gather(*(trader.check(api, event) for trader in traders))
    sold = [label for seats in kept for label in seats]
    assert len(sold) == len(set(sold)), "a seat was sold twice"
    now = await api.ok(event, traders[0].who, "holding")
    board = await api.availability(event, now["version"])
    letters = dict(zip(labels, board["seats"], strict=True))
    assert all(letters[label] == "b" for label in sold)
    assert sum(letter == "b" for letter in letters.values()) == len(sold)
    assert "h" not in board["seats"]
    await api.audit(event)
    await asyncio.gather(*(trader.make_room(api, event) for trader in traders))
    return len(sold)
