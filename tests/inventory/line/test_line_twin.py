"""Lines at random, each change judged by the slow twin (L1, L5, L7 to L22)."""

import random
from typing import Any

import pytest

from inventory import commands as c
from inventory.changes import TurnGiven
from inventory.line.wishes import Wish
from inventory.replies import Refused
from inventory.settings import SettingsPatch
from tests.line_scene import SYSTEM, LineScene
from tests.scenario import ORGANIZER, hall

HALLS = [
    hall("A 1111|11", "B 1122w2", "C 222222", areas={"GA": (5, "3")}),
    hall("A 11111", "B 22222"),
    hall("A 11w1c1", "B 1r1r11", areas={"GA": (3, "2"), "GB": (4, "2")}),
]
USERS = [f"u{number}" for number in range(14)]
SEEDS = range(40)
STEPS = 130


class Run(LineScene):
    """One event, and whoever comes to it."""

    def __init__(self, seed: int) -> None:
        dice = self.dice = random.Random(seed)
        mode = ["list", "fifo", "draw"][seed % 3]
        terms: dict[str, Any] = {
            "wish_floor": dice.choice([0, 0, 4]),
            "serve_away": dice.random() < 0.7,
            "offer_s": dice.choice([20, 600]),
            "turn_s": dice.choice([10, 60]),
        }
        super().__init__(
            HALLS[seed % len(HALLS)],
            mode,
            terms=terms,
            hold_ttl_s=dice.choice([30, 600]),
            max_per_user=dice.choice([3, 8, 8]),
            max_per_booking=dice.choice([3, 6]),
        )
        self.asked: dict[str, int] = {}
        self.joins = 0
        self.open()
        if mode == "draw":
            self.gather([(user, self.wish()) for user in USERS[:6]])

    def wish(self) -> Wish | None:
        dice = self.dice
        if dice.random() < 0.3 and self.line.gated:
            return None
        accessible = dice.random() < 0.1
        return Wish(
            dice.choice([1, 1, 2, 2, 3, 5]),
            tuple(dice.sample(["1", "2", "3"], dice.choice([0, 1, 1, 2]))),
            together=accessible or dice.random() < 0.7,
            accessible=accessible,
            if_none=dice.choice(["wait", "wait", "browse"]),
        )

    def step(self) -> None:
        dice = self.dice
        if dice.random() < 0.25:
            self.tick(dice.choice([0.25, 2, 9, 31]))
            return
        kind = dice.choice([name for name in dir(self) if name.startswith("do_")])
        reply = getattr(self, kind)()
        if reply is not None:
            name = kind if isinstance(reply, Refused) else f"{kind} ok"
            self.asked[name] = self.asked.get(name, 0) + 1

    # What somebody may ask; `None` where there is nobody to.

    def rank(self) -> int:
        return self.dice.randint(1, max(1, self.line.fed))

    def owner(self, rank: int) -> str:
        return self.line.user_of(rank) or "u0"

    def do_join(self) -> Any:
        known = {place.user for place in self.twin.places if place.state in "waput"}
        users = [user for user in USERS if user not in known]
        if not users:
            return None
        chosen = self.dice.sample(users, min(len(users), self.dice.choice([1, 1, 3])))
        self.joins += 1
        name = f" {self.joins}"
        places = self.joined([(user, self.wish()) for user in chosen], name)
        return self.ask(SYSTEM, self.feeding(places, name=name))

    do_join_too = do_join

    def do_give(self) -> Any:
        return self.ask(SYSTEM, self.make(c.GiveTurn))

    do_give_too = do_give

    def do_hold(self) -> Any:
        user = self.dice.choice([*USERS, ORGANIZER, *self.line.turns.open])
        if self.dice.random() < 0.3 and self.venue.areas:
            label = self.dice.choice(self.venue.areas).label
            return self.ask(user, self.make(c.Hold, areas={label: 1}))
        quantity = self.dice.choice([1, 2, 3])
        return self.ask(user, self.make(c.HoldBest, quantity=quantity))

    do_hold_too = do_hold

    def _some_hold(self) -> tuple[str, str] | None:
        holds = list(self.stock.holds.values())
        if not holds:
            return None
        hold = self.dice.choice(holds)
        return hold.user, hold.token

    def do_book(self) -> Any:
        found = self._some_hold()
        return found and self.ask(found[0], self.make(c.Book, hold=found[1]))

    def do_release(self) -> Any:
        found = self._some_hold()
        if found is None:
            return None
        hold = self.stock.holds[found[1]]
        part: dict[str, Any] = {}
        if len(hold.seats) > 1 and self.dice.random() < 0.4:
            part["seats"] = [self.venue.labels[hold.seats[0]]]
        return self.ask(found[0], self.make(c.Release, hold=found[1], **part))

    def do_extend_hold(self) -> Any:
        found = self._some_hold()
        return found and self.ask(found[0], self.make(c.Extend, hold=found[1]))

    def do_cancel(self) -> Any:
        bookings = list(self.stock.bookings.values())
        if not bookings:
            return None
        one = self.dice.choice(bookings)
        return self.ask(one.user, self.make(c.Cancel, booking=one.booking))

    def do_block(self) -> Any:
        label = self.dice.choice(self.venue.labels)
        kind = self.dice.choice([c.Block, c.Unblock])
        return self.ask(ORGANIZER, self.make(kind, seats=[label]))

    def do_sale(self) -> Any:
        to = "resume" if self.stock.settings.sale_state == "paused" else "pause"
        if to == "pause" and self.dice.random() < 0.7:
            return None
        return self.ask(ORGANIZER, self.make(c.ChangeSale, to=to))

    def do_set(self) -> Any:
        acts: list[dict[str, Any]] = [
            {"act": "resume"} if self.line.paused else {"act": "pause"},
            {"act": "resume"},
            {"serve_away": self.dice.random() < 0.5},
            {"turn_s": 20, "count_returns": self.dice.random() < 0.5},
            {"act": "message", "message": "m"},
        ]
        return self.ask(ORGANIZER, self.make(c.SetLine, **self.dice.choice(acts)))

    def do_tune(self) -> Any:
        mean, variance = self.dice.choice([(1_600, 1_440), (1_000, 0), (3_000, 400)])
        ppm = self.dice.choice([0, 300_000])
        tune = self.make(
            c.TuneLine, mean_milli=mean, variance_milli=variance, returning_ppm=ppm
        )
        return self.ask(SYSTEM, tune)

    def do_limits(self) -> Any:
        patch = SettingsPatch(
            max_per_user=self.dice.choice([3, 8]),
            max_per_booking=self.dice.choice([2, 3, 6]),
        )
        return self.ask(ORGANIZER, self.make(c.Configure, patch=patch))

    def do_presence(self) -> Any:
        ranks = list(range(1, self.line.fed + 1))
        away = self.dice.sample(ranks, min(len(ranks), 3))
        back = self.dice.sample(ranks, min(len(ranks), 3))
        return self.ask(SYSTEM, self.make(c.NotePresence, away=away, back=back))

    def do_wish(self) -> Any:
        rank = self.rank()
        more = self.dice.random() < 0.2
        asked = self.make(c.SetWish, rank=rank, wish=self.wish(), more_time=more)
        return self.ask(self.owner(rank), asked)

    def _place(self, kind: type[Any]) -> Any:
        rank = self.rank()
        return self.ask(self.owner(rank), self.make(kind, rank=rank))

    def do_pause(self) -> Any:
        return self._place(c.PausePlace)

    def do_resume(self) -> Any:
        return self._place(c.ResumePlace)

    def do_leave(self) -> Any:
        return self._place(c.LeaveLine) if self.dice.random() < 0.3 else None

    def do_extend(self) -> Any:
        user = self.dice.choice([*USERS, *self.line.turns.open])
        return self.ask(user, self.make(c.ExtendTurn))

    def do_grant(self) -> Any:
        user = self.dice.choice(USERS)
        grant = self.make(c.GrantTurn, user=user, until_s=15, because="presale")
        return self.ask(SYSTEM, grant)

    def do_keep(self) -> Any:
        kept_ms = self.now_ms + 30_000
        self.ask(SYSTEM, self.make(c.KeepHolds, until_ms=self.now_ms + 5_000))
        return self.ask(SYSTEM, self.make(c.KeepTurns, until_ms=kept_ms))


def play(seed: int) -> Run:
    run = Run(seed)
    for _ in range(STEPS):
        run.step()
    return run


@pytest.mark.parametrize("seed", SEEDS)
def test_the_line_keeps_its_promises(seed):
    run = play(seed)
    if run.line.paused:
        run.ok(ORGANIZER, run.make(c.SetLine, act="resume"))
    if run.stock.settings.sale_state == "paused":
        run.ok(ORGANIZER, run.make(c.ChangeSale, to="resume"))
    while run.give():
        pass
    run.twin.rest()
    run.check_replay()


def test_the_same_tape_gives_the_same_line():
    """L31, byte for byte."""
    first, again = play(1), play(1)
    assert first.journal == again.journal
    assert first.stock.hash() == again.stock.hash()


def test_the_runs_above_try_what_there_is():
    runs = [play(seed) for seed in range(6)]
    asked = {name for run in runs for name in run.asked if name.endswith(" ok")}
    kinds = {name for name in dir(Run) if name.startswith("do_")}
    assert {f"{name} ok" for name in kinds if not name.endswith("_too")} <= asked
    states = "".join(sorted({state for run in runs for state in run.states()}))
    assert set(states) >= set("adltw")
    happened = {type(change).__name__ for run in runs for change, _ in run.journal}
    assert happened >= {
        "TurnGiven",
        "TurnEnded",
        "TurnExtended",
        "TurnsKept",
        "PlaceLimited",
        "PlaceResumed",
        "WishesRecast",
        "LineTuned",
    }


def test_presence_moves_no_rank():
    """L30: away and back again, and nobody was ever away, is the same order."""
    orders = []
    for away in (False, True):
        scene = LineScene(HALLS[0], terms={"serve_away": False})
        scene.open()
        for number in range(12):
            scene.join(f"u{number}", Wish(1) if number % 2 else None)
        if away:
            every = list(range(1, 13))
            scene.ok(SYSTEM, scene.make(c.NotePresence, away=every))
            assert not scene.give()
            scene.ok(SYSTEM, scene.make(c.NotePresence, back=every[::-1]))
        served = []
        while scene.give():
            given = scene.last[0]
            assert type(given) is TurnGiven
            served.append(given.user)
        orders.append(served)
    assert orders[0] == orders[1]
    assert len(orders[0]) > 6
