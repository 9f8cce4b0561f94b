"""The buyers' process: `python -m server.ops.demo.buyers`, started by the demo.

It knows the server's address and an event, and nothing else. It tells on its standard
output how the sale stands, a JSON line at a time, and at the end what its buyers wrote
down.
"""

import argparse
import asyncio
import sys
from random import Random
from time import monotonic

import aiohttp
import msgspec

from server.ops.demo.buyer import Buyer, Shop
from server.ops.demo.cashier import Cashier
from server.ops.demo.crowds import Output, run_process, tell, visit
from server.ops.demo.ledger import Ledger
from server.ops.demo.reports import Final, Report
from server.transport.client.board import Board
from server.transport.client.websocket import Client, GaveUpError, Traffic

WATCHING_SHARE = 0.1
ARRIVAL_S = 2.0
REPORT_EVERY_S = 0.25
STUCK_S = 90.0
"""With no change on the board for this long, the buyers go home."""
CONVERGE_S = 10.0
QUESTIONS_AT_ONCE = 50


class Options(msgspec.Struct, frozen=True):
    """What the demo tells the process on its command line."""

    url: str
    event: str
    buyers: int
    pace: float
    hold_ttl_s: float
    seed: int


class Crowd:
    """All buyers, the boards they watch, and the one on the wall that all can see."""

    def __init__(self, options: Options, http: aiohttp.ClientSession) -> None:
        self.options = options
        self.http = http
        self.traffic = Traffic()
        self.ledger = Ledger()
        self.boards: list[Board] = []
        self.started = monotonic()
        self._reported = (self.started, 0)

    async def run(self) -> Final:
        """Let everyone buy until nothing is left, then compare notes."""
        random = Random(self.options.seed)
        path = f"/v1/events/{self.options.event}/map"
        async with self.http.get(path) as answer:
            answer.raise_for_status()
            self.map = await answer.json()
        wall = self._new_board()
        on_the_wall = self._new_line(random, wall)
        shop = Shop(
            self.options.event,
            [seat["label"] for seat in self.map["seats"]],
            sorted({seat["category"] for seat in self.map["seats"]}),
            wall,
            self.ledger,
            hold_ttl_s=self.options.hold_ttl_s,
            pace=self.options.pace,
            buyers=self.options.buyers,
        )
        buyers, lines = self._invite(shop, random)
        try:
            await on_the_wall.connect()
            async with asyncio.TaskGroup() as crowd:
                reporting = crowd.create_task(self._report(wall))
                async with asyncio.TaskGroup() as buying:
                    everyone = buying.create_task(self._close_shop(shop, on_the_wall))
                    tasks = [
                        buying.create_task(self._arrive(buyer, Random(random.random())))
                        for buyer in buyers
                    ]
                    await asyncio.wait(tasks)
                    shop.closed.set()
                    await everyone
                reporting.cancel()
            # Before the questions at the end, which are no part of the sale.
            report = self._take_stock(wall)
            await self._compare_notes(buyers)
            return self._conclude(wall, report)
        finally:
            await asyncio.gather(*(line.close() for line in [on_the_wall, *lines]))

    def _invite(self, shop: Shop, random: Random) -> tuple[list[Buyer], list[Client]]:
        buyers, lines = [], []
        watching = max(1, round(self.options.buyers * WATCHING_SHARE))
        for number in range(self.options.buyers):
            board = self._new_board() if number < watching else None
            line = self._new_line(random, board)
            cashier = Cashier(self.http, line, Random(random.random()))
            buyers.append(Buyer(number, shop, line, cashier, Random(random.random())))
            lines.append(line)
        return buyers, lines

    def _new_board(self) -> Board:
        areas = {area["label"]: area["capacity"] for area in self.map["areas"]}
        board = Board(len(self.map["seats"]), areas)
        self.boards.append(board)
        return board

    def _new_line(self, random: Random, board: Board | None) -> Client:
        seed = Random(random.random())
        return Client(self.http, self.options.event, self.traffic, seed, board)

    async def _arrive(self, buyer: Buyer, random: Random) -> None:
        await asyncio.sleep(random.uniform(0, ARRIVAL_S * self.options.pace))
        await buyer.run()

    async def _close_shop(self, shop: Shop, on_the_wall: Client) -> None:
        """Close when all is sold, or when nothing has changed for much too long."""
        version, since = -1, monotonic()
        while not shop.closed.is_set() and not shop.board.sold_out:
            if shop.board.version != version:
                version, since = shop.board.version, monotonic()
            elif monotonic() - since > STUCK_S:
                self.ledger.complain(f"Nothing was sold for {STUCK_S:.0f} s.")
                break
            try:
                # The board on the wall has no buyer behind it who would reconnect it.
                await on_the_wall.ask({"op": "ping"})
            except GaveUpError as error:
                self.ledger.complain(f"The server does not answer: {error}")
                break
            await asyncio.sleep(0.2)
        shop.closed.set()

    async def _compare_notes(self, buyers: list[Buyer]) -> None:
        """Ask for every buyer's bookings, and wait until every board says the same."""
        few = asyncio.Semaphore(QUESTIONS_AT_ONCE)

        async def ask(buyer: Buyer) -> None:
            async with few:
                await buyer.check_holding()

        async with asyncio.TaskGroup() as asking:
            for buyer in buyers:
                asking.create_task(ask(buyer))
        wall = self.boards[0]
        try:
            async with asyncio.timeout(CONVERGE_S):
                # Many boards, of which none knows the others.
                while not self._boards_agree():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            behind = sum(board.version != wall.version for board in self.boards)
            self.ledger.complain(f"{behind} of {len(self.boards)} watchers are behind.")
        if wall.count("booked") != self.ledger.places:
            self.ledger.complain(
                f"The board shows {wall.count('booked')} booked places, the buyers"
                f" have {self.ledger.places}."
            )

    def _boards_agree(self) -> bool:
        wall = self.boards[0]
        return all(
            (board.version, board.letters, board.areas)
            == (wall.version, wall.letters, wall.areas)
            for board in self.boards
        )

    async def _report(self, wall: Board) -> None:
        while True:
            tell(Output(report=self._take_stock(wall)))
            await asyncio.sleep(REPORT_EVERY_S)

    def _take_stock(self, wall: Board) -> Report:
        now, commands = monotonic(), self.traffic.commands
        then, before = self._reported
        self._reported = (now, commands)
        return Report(
            elapsed_s=now - self.started,
            free=wall.count("free"),
            held=wall.count("held"),
            booked=wall.count("booked"),
            bookings=len(self.ledger.purchases),
            commands=commands,
            commands_per_s=(commands - before) / max(now - then, 0.001),
            p50_ms=self.traffic.latencies.quantile(0.5),
            p99_ms=self.traffic.latencies.quantile(0.99),
            refused=self.traffic.refused,
            retries=self.traffic.retries,
            connected=self.traffic.connected,
        )

    def _conclude(self, wall: Board, report: Report) -> Final:
        gaps = sum(board.gaps for board in self.boards)
        if gaps:
            self.ledger.complain(f"{gaps} deltas did not follow the one before.")
        if not wall.sold_out:
            self.ledger.complain(f"{wall.capacity - wall.count('booked')} are unsold.")
        return Final(
            report=report,
            sold_out=wall.sold_out,
            capacity=wall.capacity,
            seats=len(self.ledger.seats),
            places_in_areas=sum(self.ledger.areas.values()),
            bookings=len(self.ledger.purchases),
            paid=self.ledger.paid,
            declined=self.ledger.declined,
            left=self.ledger.left,
            watchers=len(self.boards),
            gaps=gaps,
            version=wall.version,
            problems=self.ledger.problems,
        )


def read_options(arguments: list[str]) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m server.ops.demo.buyers")
    parser.add_argument("--url", required=True)
    parser.add_argument("--event", required=True)
    parser.add_argument("--buyers", type=int, required=True)
    parser.add_argument("--pace", type=float, required=True)
    parser.add_argument("--hold-ttl-s", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    return Options(**vars(parser.parse_args(arguments)))


def main() -> None:
    """Buy everything there is, and tell how it went."""
    options = read_options(sys.argv[1:])
    run_process(visit(options.url, lambda http: Crowd(options, http).run()))


if __name__ == "__main__":
    main()
