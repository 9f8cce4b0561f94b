"""How one person waits: joins, reloads, sleeps or goes away, takes a turn."""

import asyncio
from random import Random
from time import monotonic
from typing import Any, Final, Literal

from server.ops.demo.line.ledger import LineLedger
from server.ops.demo.line.story import Story
from server.transport.client.board import Board, Frame
from server.transport.client.websocket import Client, GaveUpError

Kind = Literal["chooses", "wishes", "sleeps", "late", "reloads", "goes"]
KINDS: Final[tuple[Kind, ...]] = (
    *("chooses",) * 5,
    "sleeps",
    *("chooses",) * 2,
    "reloads",
    *("wishes",) * 2,
    "goes",
    *("chooses",) * 4,
    "late",
    *("wishes",) * 2,
    "chooses",
)
"""Of twenty who come one after the other."""

DOOR: Final = 64
"""So many join at a time: more would only wait for the same processor."""

QUANTITIES: Final = (1, 2, 3, 4)
QUANTITY_WEIGHTS: Final = (25, 45, 10, 20)
HESITATION_MEDIAN_S: Final = 2.0
HESITATION_SPREAD: Final = 0.6
EARLY_SHARE: Final = 0.8
"""Until so much is booked, somebody may think better of it or just walk away."""

RELEASED: Final = 0.1
WALKED_AWAY: Final = 0.06
CANCELLED: Final = 0.08
LOOK_S: Final = 45.0
"""Who heard nothing at all for so long asks, by which a lost connection shows."""

HOPE: Final = 10
HOPE_MIN: Final = 200
"""When turns go to wishes only, people wish who are so close behind who is next: ranks
for each place that is left, or so many at least. The others just go on watching."""

SLEEP_S: Final = 4.0
"""How long it takes until a sleeper's telephone says that seats are held. It stands
for the mail that somebody with an account gets."""

CHOSEN: Final = 0.3
"""Who points at seats on the map; the others take the best there are."""

WHEELCHAIRS: Final = 5
"""One of so many who wish wants a place for a wheelchair and the seat beside it, which
nobody gets who does not ask."""

ACCESSIBLE: Final = {"quantity": 2, "accessible": True}

LOST: Final = frozenset({"hold_expired", "hold_not_found", "turn_over"})
TAKEN: Final = frozenset({"not_enough_seats", "seat_not_free", "orphan_seat"})


class Hall:
    """What everybody sees alike: the board on the wall, the terms, the story."""

    def __init__(
        self,
        event: str,
        labels: list[str],
        categories: list[str],
        board: Board,
        ledger: LineLedger,
        story: Story,
        *,
        pace: float,
    ) -> None:
        self.event = event
        self.labels = labels
        self.categories = categories
        self.board = board
        self.ledger = ledger
        self.story = story
        self.pace = pace
        self.door = asyncio.Semaphore(DOOR)
        self.given_back: dict[str, float] = {}
        """When seats were given back that nobody had since."""

    @property
    def is_early(self) -> bool:
        """Whether most is still to be sold."""
        return self.board.count("booked") < EARLY_SHARE * self.board.capacity


class Person:
    """One guest with one place in the line; the connection is set once."""

    line: Client

    def __init__(self, number: int, kind: Kind, hall: Hall, random: Random) -> None:
        self.number = number
        self.kind = kind
        self.rank: int | None = None
        self.place = ""
        self.booking: str | None = None
        self.is_waiting = False
        self._hall = hall
        self._random = random
        self._wish = self._new_wish() if kind in ("wishes", "sleeps") else None
        self._ahead: int | None = None
        self._wishes_soon = False
        self._turn: Frame | None = None
        self._held: list[str] = []
        self._told = asyncio.Event()
        self._heard_at = 0.0
        self._turned_at = 0.0
        self._fits_from = 0.0
        """From when on the event knows of place and wish; what came back may fit."""

    def _new_wish(self) -> dict[str, Any]:
        random = self._random
        if self._is_in_a_wheelchair:
            return dict(ACCESSIBLE)
        quantity = random.choices(QUANTITIES, QUANTITY_WEIGHTS)[0]
        wish: dict[str, Any] = {"quantity": quantity}
        if random.random() < 0.3:
            wish["categories"] = random.sample(self._hall.categories, 2)
        if quantity > 1 and random.random() < 0.3:
            wish["together"] = False
        return wish

    @property
    def _is_in_a_wheelchair(self) -> bool:
        return self.number % WHEELCHAIRS == WHEELCHAIRS - 1

    # -- What the server tells

    def hear(self, frame: Frame) -> None:
        """Take what was pushed."""
        self._heard_at = monotonic()
        story = self._hall.story
        match frame["op"]:
            case "line":
                story.stands(frame)
                self._ranked(frame.get("rank"))
                if frame["phase"] == "waitlist" and self._hopes(frame):
                    self._wishes_soon = True
                    self._told.set()
            case "line_fixed":
                story.fixed(frame)
            case "line_drawn":
                story.drawn(frame)
                self._ranked(frame["rank"])
            case "turn" | "offer":
                self._turn = frame
                self._turned_at = self._heard_at
                self._told.set()
            case "turn_over":
                if self._turn is None:
                    self._told.set()
            case _:
                pass

    def _hopes(self, frame: Frame) -> bool:
        """Return whether it is time to wish for what is left."""
        if self._wish is not None or self._wishes_soon or self.rank is None:
            return False
        reach = max(HOPE_MIN, HOPE * sum(frame["left"].values()))
        return self.rank < int(frame["next"]) + int(reach)

    def _ranked(self, rank: int | None) -> None:
        if rank is None or rank == self.rank:
            return
        if self.rank is not None:
            self._complain(f"was rank {self.rank:,} and is {rank:,}")
        self.rank, self._fits_from = rank, monotonic()

    def _complain(self, problem: str) -> None:
        self._hall.ledger.complain(f"Person {self.number} {problem}.")

    # -- Waiting

    async def run(self, comes_in_s: float) -> None:
        """Come, wait, take the turn, and buy."""
        await asyncio.sleep(comes_in_s)
        try:
            async with self._hall.door:
                joined = await self._join()
            if joined:
                self.is_waiting = True
                await self._live()
        except GaveUpError as error:
            self._complain(f"gave up: {error}")
        finally:
            self.is_waiting = False

    async def _join(self) -> bool:
        ledger = self._hall.ledger
        frame: Frame = {"op": "join_line"}
        if self._wish is not None:
            frame["wish"] = self._wish
        reply = await self.line.ask(frame)
        if reply["op"] != "ok":
            if reply["code"] != "line_over":
                self._complain(f"could not join: {reply['code']}, {reply['detail']}")
            return False
        self.place = reply["place"]
        self._ranked(reply["rank"])
        ledger.joined += 1
        ledger.entrants += reply["phase"] == "gathering"
        return True

    async def _live(self) -> None:
        """Do what this kind of person does."""
        random, pace = self._random, self._hall.pace
        match self.kind:
            case "goes":
                await asyncio.sleep(random.uniform(1, 20) * pace)
                await self.line.close()
            case "sleeps":
                await self._sleep()
            case "reloads":
                await asyncio.sleep(random.uniform(1, 40) * pace)
                await self._reload()
                await self._wait()
            case _:
                await self._wait()

    async def _reload(self) -> None:
        """Lose the connection, come back, and be where one was."""
        before = await self._look()
        await self.line.close()
        await asyncio.sleep(self._random.uniform(0.1, 1) * self._hall.pace)
        after = await self._look()
        self._hall.ledger.reloaded += 1
        known = before is not None and after is not None
        if known and after > before:  # type: ignore[operator]
            self._complain(f"had {before} ahead, and {after} after a reload")

    async def _look(self) -> int | None:
        """Wait here from now on; return how many are ahead."""
        reply = await self.line.ask({"op": "wait"})
        if reply["op"] != "ok":
            self._complain(f"cannot wait: {reply['code']}")
            return None
        self._ranked(reply["rank"])
        if reply["state"] in ("done", "left"):
            return None
        place = await self.line.ask({"op": "place"})
        return place["ahead"] if place["op"] == "ok" else None

    async def _sleep(self) -> None:
        """Sleep until the wish was executed; then wake and take what is held."""
        await self.line.close()
        # Nobody needs a socket, and this asks for no place: it is not being there.
        while True:
            await asyncio.sleep(max(1.0, SLEEP_S * self._hall.pace))
            found = await self.line.get("/v1/line/entries")
            mine = found.get("items", [])
            if mine and mine[0]["state"] == "turn":
                break
            if mine and mine[0]["state"] in ("done", "left"):
                # Slept too long: what it had comes back, and nobody here knows what.
                self._hall.given_back.clear()
                return
        await self.line.ask({"op": "wait"})
        await self._wait()

    async def _wait(self) -> None:
        """Wait for one's turn and take it."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._told.wait()
            except TimeoutError:
                if monotonic() - self._heard_at < LOOK_S:
                    continue
                reply = await self.line.ask({"op": "wait"})
                if reply["op"] != "ok" or reply["state"] in ("done", "left"):
                    return
                continue
            self._told.clear()
            if self._turn is not None:
                await self._take(self._turn)
                return
            if not self._wishes_soon or self._wish is not None:
                return
            await self._wish_at_last()

    async def _wish_at_last(self) -> None:
        """Wish for what is left, as one is told to."""
        quantity = self._random.choice((1, 1, 2))
        self._wish = {"quantity": quantity, "together": False}
        if self._is_in_a_wheelchair:
            self._wish = dict(ACCESSIBLE)
        await asyncio.sleep(self._random.uniform(0, 2) * self._hall.pace)
        reply = await self.line.ask({"op": "set_wish", "wish": self._wish})
        self._fits_from = monotonic()
        if reply["op"] != "ok" and reply["code"] not in (*LOST, "place_not_found"):
            self._complain(f"cannot wish: {reply['code']}")

    # -- The turn

    async def _take(self, turn: Frame) -> None:
        hall, hold = self._hall, turn.get("hold")
        self._ranked(turn["rank"])
        hall.ledger.turns += 1
        if hold is None:
            hold = await self._choose()
            if hold is None:
                await self.line.command({"op": "leave_line"})
                return
        else:
            self._compare_with_wish(turn)
        await self._decide(hold)

    def _compare_with_wish(self, turn: Frame) -> None:
        hall, seats = self._hall, turn["seats"]
        self._held = seats
        hall.ledger.wishes += 1
        got = len(seats) + sum(turn["areas"].values())
        if self._wish is not None and got != self._wish["quantity"]:
            self._complain(f"wished for {self._wish['quantity']} and was given {got}")
        since = [hall.given_back.pop(one) for one in seats if one in hall.given_back]
        if turn["op"] == "offer" and since:
            hall.ledger.given_on += len(since)
            self._measure(turn, since)
        if self.kind == "sleeps":
            hall.ledger.slept += 1
            hall.story.slept(turn, self.place)

    def _measure(self, turn: Frame, since: list[float]) -> None:
        """Note how long it took from when all of it fitted until it was told.

        Only where that is known: not where a seat came back otherwise, by a hold that
        ran out, nor where nobody had asked for it when it was given back.
        """
        is_known = len(since) == len(turn["seats"]) and not turn["areas"]
        if self.kind == "sleeps" or not is_known:
            return
        fitted_at = max(*since, self._fits_from)
        if fitted_at <= self._turned_at:
            # On the screen, however long it takes until somebody looks there.
            took_ms = 1_000 * (self._turned_at - fitted_at)
            self._hall.ledger.returned_ms.append(took_ms)
            self._hall.story.returned(turn, took_ms)

    async def _choose(self) -> str | None:
        """Hold what one likes; None where nothing is to be had."""
        hall, random, board = self._hall, self._random, self._hall.board
        await self._pause(0.3, 1.5)
        for wanted in range(random.choices(QUANTITIES, QUANTITY_WEIGHTS)[0], 0, -1):
            areas = {label: area["free"] for label, area in board.areas.items()}
            standing = random.random() * board.count("free") < sum(areas.values())
            run = board.find_run(random.randrange(len(board.letters)), wanted)
            frame: Frame
            if standing:
                roomiest = max(areas, key=lambda area: areas[area])
                frame = {"op": "hold", "areas": {roomiest: wanted}}
            elif run and random.random() < CHOSEN:
                frame = {"op": "hold", "seats": [hall.labels[one] for one in run]}
            else:
                frame = {"op": "hold_best", "quantity": wanted, "adjacent": False}
            reply = await self.line.command(frame)
            if reply["op"] == "ok":
                self._held = reply["seats"]
                self._has(self._held)
                return str(reply["hold"])
            if reply["code"] in LOST:
                return None
            if reply["code"] not in TAKEN:
                self._complain(f"could not choose: {reply['code']}")
                return None
        return None

    async def _decide(self, hold: str) -> None:
        """Hesitate, then mostly book."""
        hall, draw = self._hall, self._random.random()
        mood = self._random.lognormvariate(0, HESITATION_SPREAD)
        await asyncio.sleep(HESITATION_MEDIAN_S * min(mood, 3.0) * hall.pace)
        if hall.is_early and draw < WALKED_AWAY:
            await self.line.close()
            return
        if hall.is_early and draw < WALKED_AWAY + RELEASED:
            await self._release(hold)
            return
        reply = await self.line.command({"op": "book", "hold": hold})
        if reply["op"] != "ok":
            if reply["code"] not in LOST:
                self._complain(f"could not book: {reply['code']}, {reply['detail']}")
            return
        self.booking = reply["booking"]
        hall.ledger.add(self.number, reply)
        if hall.is_early and self._random.random() < CANCELLED:
            await self._pause(1, 4)
            await self.give_back()

    def _gives_back(self, seats: list[str]) -> None:
        self._hall.given_back |= dict.fromkeys(seats, monotonic())

    def _has(self, seats: list[str]) -> None:
        """Strike out what was given back: when it comes back again is another time."""
        for seat in seats:
            self._hall.given_back.pop(seat, None)

    async def _release(self, hold: str) -> None:
        self._gives_back(self._held)
        reply = await self.line.command({"op": "release", "hold": hold})
        if reply["op"] != "ok":
            self._has(self._held)
            if reply["code"] not in LOST:
                self._complain(f"could not release: {reply['code']}")

    async def give_back(self) -> None:
        """Cancel what was booked. Raises `GaveUpError`."""
        hall = self._hall
        if self.booking is None:
            return
        booking, self.booking = self.booking, None
        purchase = hall.ledger.give_back(booking)
        self._gives_back(purchase.seats)
        reply = await self.line.command({"op": "cancel", "booking": booking})
        if reply["op"] != "ok":
            self._complain(f"could not give back: {reply['code']}")

    async def _pause(self, shortest_s: float, longest_s: float) -> None:
        pause_s = self._random.uniform(shortest_s, longest_s) * self._hall.pace
        await asyncio.sleep(max(0.02, pause_s))
