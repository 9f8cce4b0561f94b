"""The buyers of a faults run: many real websockets, in a process of their own.

Each buyer has one connection and a bounded number of holds and bookings, keys most of
its commands, and after a lost connection asks again with the same key until there is a
clear answer. Everything asked and told is appended to a history, one JSON object a
line. The nemesis talks to this process in JSON lines over stdin and stdout.
"""

import argparse
import asyncio
import collections
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from tests.faults.watchers import Watcher

Json = dict[str, Any]
REPLY_S = 40.0
BACKOFF_S = (0.02, 0.4)
DOUBTFUL = {"outcome_unknown", "unavailable", "overloaded"}
CHANGING = {"hold", "hold_best", "extend", "release", "book", "cancel"}
HOLDS_MAX = 2
BOOKINGS_MAX = 2


class Lost(Exception):
    """The connection went away, or the server did not answer."""


class Load:
    """What all buyers share."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.urls: list[str] = options.url
        self.url = self.urls[0]
        self.event: str = options.event
        self.think_s: float = options.think
        self.seats: list[str] = []
        self.areas: list[str] = []
        path = Path(options.history)
        self.history = path.open("a", buffering=1 << 16)
        self.counts: collections.Counter[str] = collections.Counter()
        self.flowing: collections.deque[tuple[float, float]] = collections.deque(
            maxlen=20_000
        )
        self.going = asyncio.Event()
        self.ended = False
        self.slowest_s = 0.0
        self.session: aiohttp.ClientSession | None = None

    def note(self, buyer: "Buyer", ask: Json, key: str | None, sent: float) -> Json:
        """Begin a line of the history."""
        self.counts["sent"] += 1
        return {"c": buyer.number, "u": buyer.user, "k": key, "q": ask, "s": sent}

    def told(self, line: Json, reply: Json | None) -> None:
        """Finish a line of the history: answered, or lost."""
        line["d"], line["r"] = time.monotonic(), reply
        self.history.write(json.dumps(line) + "\n")
        if reply is None:
            self.counts["lost"] += 1
            return
        self.counts[str(reply.get("code", reply["op"]))] += 1
        self.slowest_s = max(self.slowest_s, line["d"] - line["s"])
        if reply["op"] == "ok" and line["q"]["op"] in CHANGING:
            self.flowing.append((line["s"], line["d"]))


class Buyer:
    """One person with one connection, who remembers what is his."""

    def __init__(self, load: Load, number: int, user: str, token: str) -> None:
        self.load = load
        self.number = number
        self.user = user
        self.token = token
        self.dice = random.Random(number)
        self.holds: dict[str, list[str]] = {}
        self.bookings: list[str] = []
        self.doubts: list[tuple[str, Json]] = []
        self.known: collections.deque[tuple[str, Json]] = collections.deque(maxlen=8)
        self.settled = asyncio.Event()
        self.keys = 0
        self.ids = 0

    async def run(self) -> None:
        backoff_s = BACKOFF_S[0]
        while not self.load.ended:
            session = self.load.session
            assert session is not None
            headers = {"Authorization": f"Bearer {self.token}"}
            try:
                # Of several processes, whichever: each serves every event.
                url = self.dice.choice(self.load.urls)
                async with session.ws_connect(
                    f"{url}/v1/ws", headers=headers, max_msg_size=0
                ) as socket:
                    await self.trade(socket)
                    backoff_s = BACKOFF_S[0]
            except (aiohttp.ClientError, OSError, TimeoutError, Lost):
                await asyncio.sleep(backoff_s * self.dice.uniform(0.5, 1.5))
                backoff_s = min(2 * backoff_s, BACKOFF_S[1])

    async def trade(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while not self.load.ended:
            if not self.load.going.is_set() and not self.doubts:
                self.settled.set()
                await self.load.going.wait()
                self.settled.clear()
                continue
            if self.doubts:
                await self.ask(socket, [self.doubts.pop()])
                if self.doubts:
                    await asyncio.sleep(0.05)
            else:
                count = 3 if self.dice.random() < 0.1 else 1
                await self.ask(socket, [self.choose() for _ in range(count)])
                await asyncio.sleep(self.dice.uniform(0.5, 1.5) * self.load.think_s)

    async def ask(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        wishes: list[tuple[str, Json]],
    ) -> None:
        """Send commands and take their answers, in whatever order they come."""
        open_: dict[int, tuple[str, Json, Json]] = {}
        try:
            for key, wish in wishes:
                self.ids += 1
                frame = {**wish, "id": self.ids, "event": self.load.event}
                if key:
                    frame["key"] = key
                line = self.load.note(self, wish, key or None, time.monotonic())
                open_[self.ids] = key, wish, line
                await socket.send_str(json.dumps(frame))
            async with asyncio.timeout(REPLY_S):
                while open_:
                    reply = await self.receive(socket)
                    if reply.get("id") in open_:
                        key, wish, line = open_.pop(reply["id"])
                        self.load.told(line, reply)
                        self.learn(key, wish, reply)
        except TimeoutError:
            self.load.counts["silent"] += 1
            raise Lost from None
        finally:
            for key, wish, line in open_.values():
                self.load.told(line, None)
                if key:
                    self.doubts.append((key, wish))

    async def receive(self, socket: aiohttp.ClientWebSocketResponse) -> Json:
        message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise Lost
        frame = json.loads(message.data)
        if frame["op"] == "expired":
            self.holds.pop(frame["hold"], None)
        assert isinstance(frame, dict)
        return frame

    def learn(self, key: str, wish: Json, reply: Json) -> None:
        """Remember what the answer gave or took."""
        op = wish["op"]
        if reply["op"] != "ok":
            code = reply.get("code")
            if code in DOUBTFUL:
                if key:
                    self.doubts.append((key, wish))
            elif "hold" in wish:
                self.holds.pop(wish["hold"], None)
            elif wish.get("booking") in self.bookings:
                # The replay of an old key had told of a booking that is no more.
                self.bookings.remove(wish["booking"])
            return
        if key:
            self.known.append((key, wish))
        if op in {"hold", "hold_best"}:
            self.holds[reply["hold"]] = reply["seats"]
        elif op == "book":
            self.holds.pop(wish["hold"], None)
            if reply["booking"] not in self.bookings:
                self.bookings.append(reply["booking"])
        elif op == "release" and "seats" not in wish:
            self.holds.pop(wish["hold"], None)
        elif op == "cancel" and wish["booking"] in self.bookings:
            self.bookings.remove(wish["booking"])
        elif op == "holding":
            # With what answers told that never came: a long run would else sell out.
            self.holds = {hold["hold"]: hold["seats"] for hold in reply["holds"]}
            self.bookings = [booking["booking"] for booking in reply["bookings"]]

    # -- What to do next

    def choose(self) -> tuple[str, Json]:
        dice = self.dice
        if self.known and dice.random() < 0.04:
            return dice.choice(self.known)
        self.keys += 1
        key = f"{self.number}-{self.keys}" if dice.random() < 0.85 else ""
        return key, self.wish()

    def wish(self) -> Json:
        dice = self.dice
        chance = dice.random()
        if chance < 0.04:
            return {"op": "holding"}
        if self.bookings and (chance < 0.12 or len(self.bookings) > BOOKINGS_MAX):
            return {"op": "cancel", "booking": dice.choice(self.bookings)}
        if self.holds and (chance < 0.55 or len(self.holds) > HOLDS_MAX):
            return self.use(dice.choice([*self.holds]))
        if chance < 0.7:
            return {"op": "hold_best", "quantity": dice.randint(1, 3)}
        seats = dice.sample(self.load.seats, dice.randint(1, 3))
        wish: Json = {"op": "hold", "seats": seats}
        if dice.random() < 0.2:
            wish["areas"] = {dice.choice(self.load.areas): 1}
        if dice.random() < 0.1:
            # Short enough to run out by itself while the run goes on.
            wish["ttl_s"] = 1
        elif self.holds and dice.random() < 0.1:
            wish["hold"] = dice.choice([*self.holds])
        return wish

    def use(self, hold: str) -> Json:
        chance = self.dice.random()
        if chance < 0.6:
            return {"op": "book", "hold": hold}
        if chance < 0.75:
            return {"op": "extend", "hold": hold}
        wish: Json = {"op": "release", "hold": hold}
        seats = self.holds[hold]
        if len(seats) > 1 and self.dice.random() < 0.4:
            wish["seats"] = seats[:1]
        return wish


async def settle(load: Load, buyers: list[Buyer], watchers: list[Watcher]) -> Json:
    """Let every doubt be resolved, and every watcher come to the same board."""
    load.going.clear()
    for buyer in buyers:
        await buyer.settled.wait()
    load.history.flush()
    return {"violations": await compare(load, watchers)}


async def compare(load: Load, watchers: list[Watcher]) -> list[str]:
    """Hold each watcher's board against that of each process, at one version."""
    behind: set[int] = set(range(len(watchers)))
    at: list[int] = []
    for _ in range(50):
        boards = [board for url in load.urls if (board := await read_board(load, url))]
        at = [board["version"] for board in boards]
        board = boards[0]
        if any(other != board for other in boards):
            await asyncio.sleep(0.1)
            continue
        for number in list(behind):
            watcher = watchers[number]
            if watcher.version == board["version"]:
                if watcher.letters != board["seats"] or watcher.areas != board["areas"]:
                    watcher.complain(f"has another board at {watcher.version}")
                behind.discard(number)
        if not behind:
            break
        await asyncio.sleep(0.1)
    found = [sentence for watcher in watchers for sentence in watcher.violations]
    return found + [
        f"watcher {number} stayed behind at {watchers[number].version}; processes: {at}"
        for number in behind
    ]


async def read_board(load: Load, url: str) -> Json | None:
    """Read who has what from one process; None where it is not running."""
    assert load.session is not None
    path = f"{url}/v1/events/{load.event}/availability"
    try:
        async with load.session.get(path) as answer:
            board: Json = await answer.json()
            assert answer.status == 200, board
            return board
    except aiohttp.ClientConnectionError:
        return None


async def converse(load: Load, buyers: list[Buyer], watchers: list[Watcher]) -> None:
    """Do what the nemesis says, a line each."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        told = json.loads(line)
        answer: Json = {}
        do: str = told["do"]
        match do:
            case "flow":
                after = told["after"]
                found = [d for s, d in load.flowing if s >= after]
                answer = {"first": min(found, default=None), "count": len(found)}
            case "counts":
                load.history.flush()
                answer = {**load.counts, "slowest_s": load.slowest_s}
                load.slowest_s = 0.0
            case "settle":
                try:
                    async with asyncio.timeout(told["within_s"]):
                        answer = await settle(load, buyers, watchers)
                except TimeoutError:
                    open_ = [b.number for b in buyers if not b.settled.is_set()]
                    answer = {"violations": [f"buyers {open_} got no clear answer"]}
            case "go":
                load.going.set()
            case "end":
                load.ended = True
                load.going.set()
            case _:
                raise ValueError(do)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if load.ended:
            return


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.load")
    parser.add_argument("--url", required=True, action="append")
    parser.add_argument("--event", required=True)
    parser.add_argument("--history", required=True)
    parser.add_argument("--buyers", type=int, default=60)
    parser.add_argument("--watchers", type=int, default=4)
    parser.add_argument("--think", type=float, default=0.08)
    load = Load(parser.parse_args())
    options = parser.parse_args()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as load.session:
        await read_map(load)
        people = [await guest(load) for _ in range(options.buyers)]
        buyers = [Buyer(load, n, *who) for n, who in enumerate(people)]
        watchers = [Watcher(load.urls, load.event, n) for n in range(options.watchers)]
        load.going.set()
        work = [asyncio.create_task(buyer.run()) for buyer in buyers]
        work += [
            asyncio.create_task(watcher.run(load.session, people[n][1]))
            for n, watcher in enumerate(watchers)
        ]
        sys.stdout.write('{"ready": true}\n')
        sys.stdout.flush()
        talk = asyncio.create_task(converse(load, buyers, watchers))
        # A buyer who raises ends the load, and with it the run: nothing is hidden.
        done, _ = await asyncio.wait([talk, *work], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    load.history.close()


async def read_map(load: Load) -> None:
    assert load.session is not None
    async with load.session.get(f"{load.url}/v1/events/{load.event}/map") as answer:
        body = await answer.json()
    load.seats = [seat["label"] for seat in body["seats"]]
    load.areas = [area["label"] for area in body["areas"]]


async def guest(load: Load) -> tuple[str, str]:
    assert load.session is not None
    async with load.session.post(f"{load.url}/v1/auth/guest") as answer:
        body = await answer.json()
    return body["user"]["id"], body["access_token"]


if __name__ == "__main__":
    asyncio.run(main())
