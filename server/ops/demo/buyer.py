"""How one simulated buyer behaves: chooses, hesitates, has second thoughts, pays."""

import asyncio
from random import Random
from typing import Final

from server.ops.demo.cashier import Cashier
from server.ops.demo.ledger import Ledger
from server.transport.client.board import Board, Frame
from server.transport.client.websocket import Client, GaveUpError

QUANTITIES: Final = (1, 2, 3, 4, 5, 6)
QUANTITY_WEIGHTS: Final = (10, 34, 14, 24, 8, 10)
HESITATION_MEDIAN_S: Final = 0.9
HESITATION_SPREAD: Final = 0.6
REST_S: Final = (0.2, 1.4)
AFTER_REFUSAL_S: Final = (0.1, 0.5)
STRAGGLING_S: Final = (0.3, 1.0)
HURRY_SHARE: Final = 0.9
"""Once this share is booked, nobody abandons a hold any more."""
ABANDONED_MAX: Final = 2
LEAVES: Final = frozenset({"user_limit", "already_booked", "sale_closed", "forbidden"})
LOST: Final = frozenset({"hold_expired", "hold_not_found", "extend_limit"})
TAKEN: Final = frozenset({"not_enough_seats", "seat_not_free", "orphan_seat"})


class Shop:
    """What every buyer sees alike: the map, the board on the wall, the terms."""

    def __init__(
        self,
        event: str,
        labels: list[str],
        categories: list[str],
        board: Board,
        ledger: Ledger,
        *,
        hold_ttl_s: float,
        pace: float,
        buyers: int,
    ) -> None:
        self.event = event
        self.labels = labels
        self.categories = categories
        self.board = board
        self.ledger = ledger
        self.hold_ttl_s = hold_ttl_s
        self.pace = pace
        self.buyers = buyers
        self.closed = asyncio.Event()


class Buyer:
    """One guest who buys again and again until nothing is left."""

    def __init__(
        self, number: int, shop: Shop, line: Client, cashier: Cashier, random: Random
    ) -> None:
        self.number = number
        self._shop = shop
        self._line = line
        self._cashier = cashier
        self._random = random
        self._abandoned = 0
        self._refusals = 0
        self._offered: list[str] | None = None

    async def run(self) -> None:
        """Buy until all is sold, the sale is closed or the server gives no answer."""
        shop = self._shop
        try:
            await self._line.connect()
            while not shop.closed.is_set():
                frame = self._choose()
                if frame is None:
                    await self._pause(*STRAGGLING_S)
                elif not await self._buy(frame):
                    return
        except GaveUpError as error:
            shop.ledger.complain(f"Buyer {self.number} gave up: {error}")

    async def check_holding(self) -> None:
        """Compare what the server says we have with what we wrote down."""
        try:
            reply = await self._line.ask({"op": "holding"})
        except GaveUpError as error:
            self._shop.ledger.complain(f"Buyer {self.number} cannot ask: {error}")
            return
        if reply["op"] == "ok":
            self._shop.ledger.compare(self.number, reply["bookings"])
        else:
            self._unexpected("holding", reply)

    # -- Choosing

    def _choose(self) -> Frame | None:
        """Return what to ask for next; None means to wait for a free place."""
        random, board = self._random, self._shop.board
        free = board.count("free")
        # Few places for many: all at once would only be in each other's way.
        if random.random() >= 2 * free / self._shop.buyers:
            return None
        if self._offered is not None:
            seats, self._offered = self._offered, None
            return {"op": "hold", "seats": seats}
        quantity = random.choices(QUANTITIES, QUANTITY_WEIGHTS)[0]
        quantity = max(1, quantity - self._refusals)
        free_in_areas = sum(area["free"] for area in board.areas.values())
        if random.random() * free < free_in_areas:
            return self._places_in_an_area(quantity)
        few = free < board.capacity * 0.03
        if few or self._refusals >= 3 or random.random() < 0.25:
            return self._seats_near_others(quantity, anywhere=few)
        return self._best(quantity)

    def _places_in_an_area(self, quantity: int) -> Frame:
        areas = self._shop.board.areas
        labels = list(areas)
        weights = [area["free"] for area in areas.values()]
        label = self._random.choices(labels, weights)[0]
        return {"op": "hold", "areas": {label: min(quantity, areas[label]["free"])}}

    def _seats_near_others(self, quantity: int, *, anywhere: bool) -> Frame:
        board, random = self._shop.board, self._random
        seats = len(board.letters)
        start = random.randrange(seats) if anywhere else board.last_changed
        start = max(0, start - random.randint(0, 60)) if not anywhere else start
        run = board.find_run(start, quantity)
        if not run:
            return self._best(quantity)
        return {"op": "hold", "seats": [self._shop.labels[index] for index in run]}

    def _best(self, quantity: int) -> Frame:
        random = self._random
        frame: Frame = {"op": "hold_best", "quantity": quantity}
        if random.random() < 0.35:
            frame["category"] = random.choice(self._shop.categories)
        if random.random() < 0.03:
            frame["accessible"] = True
        if self._refusals > 0 or random.random() < 0.15:
            frame["adjacent"] = False
        return frame

    # -- Buying

    async def _buy(self, frame: Frame) -> bool:
        """Try one purchase from hold to booking; False means that we leave."""
        reply = await self._line.command(frame)
        if reply["op"] == "ok":
            self._refusals = 0
            await self._decide_about(reply["hold"])
            await self._pause(*REST_S)
            return True
        code = reply["code"]
        if code in LEAVES:
            return False
        if code in TAKEN:
            self._refusals += 1
            alternatives = reply.get("alternatives") or []
            if alternatives and self._random.random() < 0.7:
                self._offered = alternatives[0]
        else:
            self._unexpected(frame["op"], reply)
        await self._pause(*AFTER_REFUSAL_S)
        return True

    async def _decide_about(self, hold: str) -> None:
        """Hesitate over a hold, then mostly pay it."""
        random, shop = self._random, self._shop
        mood = random.lognormvariate(0, HESITATION_SPREAD)
        hesitation_s = HESITATION_MEDIAN_S * mood * shop.pace
        hesitation_s = min(hesitation_s, shop.hold_ttl_s * 0.9)
        draw = random.random()
        if draw < 0.06 and hesitation_s < shop.hold_ttl_s / 2:
            await asyncio.sleep(hesitation_s / 2)
            reply = await self._line.command({"op": "extend", "hold": hold})
            if self._is_lost("extend", reply):
                return
        await asyncio.sleep(hesitation_s)
        if 0.06 < draw < 0.085 and self._may_abandon():
            # Walks away; the hold runs out by itself.
            self._abandoned += 1
            return
        if 0.09 < draw < 0.15:
            reply = await self._line.command({"op": "release", "hold": hold})
            self._is_lost("release", reply)
            return
        await self._pay(hold)

    def _may_abandon(self) -> bool:
        board = self._shop.board
        in_time = board.count("booked") < HURRY_SHARE * board.capacity
        return in_time and self._abandoned < ABANDONED_MAX

    async def _pay(self, hold: str) -> None:
        ledger = self._shop.ledger
        bought = await self._cashier.buy(self._shop.event, hold)
        ledger.declined += bought.declined
        if bought.code == "left":
            ledger.left += 1
        elif bought.code:
            self._is_lost("order", {"op": "error", "code": bought.code})
        elif bought.order is not None:
            ledger.pay(self.number, bought.order, bought.paid)

    def _is_lost(self, op: str, reply: Frame) -> bool:
        """Return whether the hold is gone; any other refusal breaks a promise."""
        if reply["op"] == "ok":
            return False
        if reply["code"] not in LOST:
            self._unexpected(op, reply)
        return True

    def _unexpected(self, op: str, reply: Frame) -> None:
        code, detail = reply.get("code"), reply.get("detail")
        self._shop.ledger.complain(f"{op} was answered with {code}: {detail}")

    async def _pause(self, shortest_s: float, longest_s: float) -> None:
        """Wait, at the pace asked for, but never not at all."""
        pause_s = self._random.uniform(shortest_s, longest_s) * self._shop.pace
        await asyncio.sleep(max(0.02, pause_s))
