"""What was promised, and whether the draw kept it: rules, seed, rounds, list."""

from typing import Final

from inventory.limits import ROUNDS_PUT_OFF_MAX
from inventory.line import draw
from inventory.line.canonical import NotCanonical
from inventory.line.draw import QUICKNET, Beacon, Rules
from server.events.audit.receipts import PublicKey, is_signed
from server.events.line.beacon.relays import signature_of
from server.events.line.beacon.rounds import CAN_CHECK, is_good
from server.events.line.transcript.records import (
    Drawn,
    Earlier,
    End,
    Fixed,
    Head,
    Joins,
    Open,
    PutOff,
)
from server.events.line.verify.options import Options
from server.events.line.verify.report import UNCHECKED, Report

AHEAD_MS: Final = 1_000
"""How long before its round a list is fixed, at the least."""


class Opening:
    """Judges a draw from its opening to its order."""

    def __init__(
        self, report: Report, options: Options, head: Head, key: PublicKey
    ) -> None:
        self._report = report
        self._options = options
        self._head = head
        self._key = key
        self._former = 0
        self._opened: Open | None = None
        self._beacon: Beacon | None = None
        """The one that is waited for; None, too, where the rules are not sound."""
        self._put_off = 0
        self._over_at_ms: int | None = None
        self.round: int | None = None
        """The round in force."""
        self.fixed: Fixed | None = None
        self.drawn: Drawn | None = None

    @property
    def opened(self) -> Open:
        """Return the opening. Only once it was there."""
        assert self._opened is not None
        return self._opened

    @property
    def rules(self) -> Rules:
        """Return the rules. Only once they were there."""
        return self.opened.rules

    def round_at_ms(self) -> int | None:
        """Return when the round in force comes out; None where there is no beacon."""
        if self._beacon is None or self.round is None:
            return None
        return draw.time_of(self._beacon, self.round)

    # -- What was promised

    def take_earlier(self, record: Earlier) -> None:
        """Judge a draw before this one: what came out was not thrown away."""
        self._former += 1
        which = f"draw {record.draw:,}"
        wrong = self._fault_of_former(record)
        self._report.require("earlier", wrong is None, f"{which}: {wrong}")

    def _fault_of_former(self, record: Earlier) -> str | None:
        rules = record.rules
        if record.draw != self._former:
            return f"it should be draw {self._former:,}"
        if (rules.event, rules.draw) != (self._head.event, record.draw):
            return "its rules are of another one"
        wrong = draw.fault_of(rules)
        if wrong is not None:
            return wrong
        if record.seed is None:
            return "its seed was kept back"
        told = draw.commitment_of(
            bytes.fromhex(record.seed), draw.rules_hash_of(rules)
        ).hex()
        if told != record.commitment:
            return "its seed does not open its commitment"
        if rules.beacon is None or rules.round is None:
            return None if record.round is None else "it waited for no round"
        if record.round is None or record.round < rules.round:
            return "its round is before the one that was named"
        out_ms = draw.time_of(rules.beacon, record.round)
        if record.state == "given_up" and record.at_ms >= out_ms:
            return "it was given up when its round was out"
        return None

    def take_open(self, record: Open) -> None:
        """Judge the rules."""
        self._opened, self.round = record, record.rules.round
        rules, report, head = record.rules, self._report, self._head
        report.require(
            "earlier",
            self._former == head.draw - 1,
            f"there are {self._former:,} former draws before draw {head.draw:,}",
        )
        fault = draw.fault_of(rules)
        if report.require("rules", fault is None, f"{fault}"):
            self._beacon = rules.beacon
        report.require(
            "rules",
            draw.rules_hash_of(rules).hex() == record.rules_hash,
            "they are not those that rules_hash names",
        )
        report.require(
            "rules",
            (rules.event, rules.draw) == (head.event, head.draw),
            "they are of another event or draw",
        )
        if rules.closes_at_ms is not None:
            report.require(
                "rules",
                record.at_ms < rules.closes_at_ms,
                "the line was opened when it was to close",
            )

    # -- Rounds and list

    def take_put_off(self, record: PutOff) -> None:
        """Judge a round that is void: the next one follows, and nobody chose it."""
        report, beacon = self._report, self._beacon
        self._put_off += 1
        if beacon is None or self.round is None:
            report.bad("rounds", "one was put off, but none was named")
            return
        report.require(
            "rounds",
            record.void == self.round,
            f"{record.void:,} was put off, but {self.round:,} was in force",
        )
        due = draw.next_round(
            beacon, record.void, record.at_ms, self.rules.fix_within_s
        )
        report.require(
            "rounds",
            record.round == due,
            f"{record.void:,} was put off to {record.round:,} and not to {due:,}",
        )
        report.require(
            "rounds",
            self._put_off <= ROUNDS_PUT_OFF_MAX,
            "they were put off too often",
        )
        if record.at_ms >= draw.time_of(beacon, record.void):
            report.weak(
                "rounds",
                "round_late",
                f"{record.void:,} was put off when it was out, so that somebody may"
                " have looked first",
            )
        self.round = record.round

    def take_fixed(self, record: Fixed) -> None:
        """Judge when the list was fixed, and the signature under what was told."""
        self.fixed = record
        report, rules, at_ms = self._report, self.rules, self.round_at_ms()
        report.require(
            "fixed", record.round == self.round, "it waits for another round"
        )
        report.require(
            "fixed",
            (rules.closes_at_ms or 0) <= record.closed_at_ms <= record.at_ms,
            "it was closed before its time, or after it was fixed",
        )
        report.require(
            "fixed",
            at_ms is None or record.at_ms <= at_ms - AHEAD_MS,
            "it was fixed when its round was about to come out",
        )
        report.require(
            "fixed",
            self._is_signed(bytes.fromhex(record.signature)),
            "its signature is not under what was told",
        )

    def _is_signed(self, signature: bytes) -> bool:
        try:
            told = draw.fixed_bytes(self.statement())
        except NotCanonical:
            return False  # Its round would come out when no number tells the time.
        return is_signed(self._key, told, signature)

    def statement(self) -> draw.Statement:
        """Return what was told of the list. Only once it was fixed."""
        fixed = self.fixed
        assert fixed is not None
        return draw.Statement(
            at_ms=fixed.at_ms,
            commitment=self.opened.commitment,
            draw=self._head.draw,
            entries=fixed.entries,
            event=self._head.event,
            root=fixed.root,
            round=self.round,
            round_at_ms=self.round_at_ms(),
        )

    def take_joins(self, record: Joins) -> None:
        """Judge the counts of those who came."""
        assert self.fixed is not None
        entries = self.fixed.entries
        self._report.require(
            "fixed",
            all(count <= entries for count in record.gates.values())
            and sum(count for _, count in record.minutes) == entries,
            "gates and minutes do not add up to its entries",
        )

    # -- The order is there

    def take_drawn(self, record: Drawn) -> None:
        """Judge the seed and where the randomness is from."""
        self.drawn = record
        opened = self.opened
        told = draw.commitment_of(
            bytes.fromhex(record.seed), draw.rules_hash_of(opened.rules)
        )
        self._report.require(
            "commitment",
            told.hex() == opened.commitment,
            "the seed does not open it",
        )
        self._report.fine("commitment", "the seed opens it")
        if record.source != "beacon":
            self._report.require(
                "beacon",
                record.round is None and record.signature is None,
                "it has no part, but it is named",
            )
        {
            "beacon": self._judge_beacon,
            "seed_only": self._judge_seed_only,
            "none": self._judge_nothing,
        }[record.source](record)

    def _judge_beacon(self, record: Drawn) -> None:
        report, beacon, at_ms = self._report, self._beacon, self.round_at_ms()
        if beacon is None or at_ms is None:
            report.bad("beacon", "it has a part, but none was named")
            return
        if record.round is None or record.signature is None:
            report.bad("beacon", "its round or signature is missing")
            return
        report.require("beacon", record.round == self.round, "it is another round")
        report.require("beacon", record.at_ms >= at_ms, "it was drawn before its round")
        signature = bytes.fromhex(record.signature)
        name = f"round {record.round:,} of {beacon.id}"
        report.fine("beacon", f"{name}, signed by its key")
        if beacon.chain not in (QUICKNET.chain, self._options.chain):
            report.weak(
                "beacon",
                "beacon_unknown",
                f"whoever has the key of the chain {beacon.chain} knows its rounds",
            )
        if CAN_CHECK:
            report.require(
                "beacon",
                is_good(beacon, record.round, signature),
                f"{name} has another signature",
            )
        elif self._is_told(record.round, signature):
            report.fine("beacon", f"{name}, as the relay answered")
        else:
            report.open("beacon", UNCHECKED)

    def _is_told(self, number: int, signature: bytes) -> bool:
        answer = self._options.beacon
        return (
            answer is not None
            and answer.round == number
            and signature_of(answer) == signature
        )

    def _judge_seed_only(self, record: Drawn) -> None:
        report, rules, at_ms = self._report, self.rules, self.round_at_ms()
        report.require("beacon", rules.mode == "draw", "nothing was to be drawn")
        if at_ms is not None:
            report.require(
                "beacon",
                rules.without_beacon == "seed_only"
                and record.at_ms >= at_ms + 1_000 * rules.beacon_wait_s,
                "it was not waited for as the rules say",
            )
        report.weak(
            "beacon",
            "seed_only",
            "it had no part: whoever had the seed knew the order when the list closed",
        )

    def _judge_nothing(self, record: Drawn) -> None:
        report, opened, fixed = self._report, self.opened, self.fixed
        assert fixed is not None
        report.require("beacon", opened.rules.mode != "draw", "nothing was drawn")
        report.require(
            "fixed",
            fixed.entries == 0 and opened.at_ms == fixed.at_ms == record.at_ms,
            "without a draw nobody gathers",
        )
        report.fine("beacon", "nothing is drawn")

    # -- In the end

    def close(self, end: End) -> None:
        """Judge what can only be judged in the end."""
        report, fixed, drawn = self._report, self.fixed, self.drawn
        report.fine("earlier", _many(self._former, "former draw", "all opened"))
        report.fine("rules", "they are sound, and those of the hash")
        report.fine("rounds", _rounds(self.round, self._put_off))
        if fixed is None:
            report.open("fixed", "the list is not fixed yet")
        else:
            told = draw.shown(bytes.fromhex(fixed.root))
            report.fine("fixed", f"{fixed.entries:,} entries, told as {told}")
        if drawn is None:
            for check in ("commitment", "beacon"):
                report.open(check, "nothing is drawn yet")
            self._judge_giving_up(end)

    def take_over(self, at_ms: int) -> None:
        """Take note of when the line was over; of what ends it again, the first."""
        if self._over_at_ms is None:
            self._over_at_ms = at_ms

    def _judge_giving_up(self, end: End) -> None:
        """Judge a line that is over and was not drawn: nobody knew the order."""
        if not end.over or self.rules.mode != "draw":
            return
        at_ms = self.round_at_ms()
        over_ms = end.at_ms if self._over_at_ms is None else self._over_at_ms
        free = self.fixed is None if at_ms is None else over_ms < at_ms
        self._report.require("end", free, "it was given up when its order was known")


def _many(count: int, what: str, then: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}, {then}" if count else f"no {what}"


def _rounds(number: int | None, put_off: int) -> str:
    if number is None:
        return "none is waited for"
    times = "once" if put_off == 1 else f"{put_off:,} times"
    then = f"put off {times}" if put_off else "the one that was named"
    return f"{number:,} is in force, {then}"
