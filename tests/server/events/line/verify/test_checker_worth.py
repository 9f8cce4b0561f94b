"""What holds may prove less than it might, or nothing yet."""

import base64
from typing import Any

import pytest
from msgspec import to_builtins

import tests.inventory.line.test_draw as vector
from inventory.line import draw
from inventory.line.draw import QUICKNET
from server.events.line.beacon.relay import OwnBeacon
from server.events.line.beacon.relays import RoundAnswer
from server.events.line.verify import opening
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options
from tests.server.events.line.verify.bending import (
    OUT_MS,
    Bend,
    Json,
    all_of,
    bad,
    bent,
    ends_early,
    judged,
    lines,
    of,
    rule,
    tell,
    whole,
)

OWN = OwnBeacon(b"a secret", genesis_s=QUICKNET.genesis_s)


def drawn_anew(records: list[Json], randomness: bytes, **drawn: Any) -> None:
    """Put all in order again by another key."""
    rule()(records)
    of(records, "drawn").update(drawn)
    opened, own = of(records, "open"), of(records, "drawn")
    key = draw.key_of(
        bytes.fromhex(own["seed"]),
        bytes.fromhex(of(records, "fixed")["root"]),
        randomness,
        bytes.fromhex(opened["rules_hash"]),
    )
    ordered = draw.order_of(key, vector.STUBS)
    own["line_hash"] = draw.line_hash_of(ordered).hex()
    segment = of(records, "segment")
    segment["stubs"] = base64.b64encode(b"".join(ordered)).decode()
    late = of(records, "late")
    came = draw.split(base64.b64decode(late["stubs"]))
    ordered = draw.late_order_of(key, came)
    late["stubs"] = base64.b64encode(b"".join(ordered)).decode()


def other_beacon(records: list[Json]) -> None:
    beacon = to_builtins(OWN.beacon)
    of(records, "open")["rules"]["beacon"] = beacon
    signature = OWN.sign(657_413)
    drawn_anew(records, draw.randomness_of(signature), signature=signature.hex())


def no_beacon(records: list[Json]) -> None:
    of(records, "open")["rules"].update(beacon=None, round=None)
    records.remove(of(records, "round"))
    of(records, "fixed").update(round=None)
    drawn_anew(records, bytes(32), source="seed_only", round=None, signature=None)


def beacon_gone(at_ms: int) -> Bend:
    def bend(records: list[Json]) -> None:
        drawn_anew(records, bytes(32), source="seed_only", round=None, signature=None)
        for record in records:
            if record.get("version", 0) >= 15:
                record["at_ms"] += 60_000
            if "until_ms" in record:
                record["until_ms"] += 60_000
        of(records, "drawn").update(at_ms=at_ms)
        of(records, "end")["at_ms"] += 60_000

    return bend


def test_a_beacon_that_nobody_knows_is_weak_unless_it_is_named():
    made = bent(other_beacon)
    found = judged(made)
    assert found["verdict"] == "whole, weak: beacon_unknown", found
    assert found["beacon"].startswith("weak beacon_unknown: ")
    assert check(made, Options()).status(strict=False) == 0
    assert check(made, Options()).status(strict=True) == 1
    named = check(made, Options(chain=OWN.beacon.chain))
    assert named.verdict() == "whole"
    assert named.status(strict=True) == 0
    other = judged(made, chain="00" * 32)
    assert other["verdict"] == "whole, weak: beacon_unknown"


def test_a_draw_without_beacon_is_weak():
    found = judged(bent(no_beacon))
    assert found["verdict"] == "whole, weak: seed_only", found
    assert found["beacon"].startswith("weak seed_only: ")


def test_a_beacon_is_waited_for_as_long_as_the_rules_say():
    found = judged(bent(beacon_gone(OUT_MS + 60_000)))
    assert found["verdict"] == "whole, weak: seed_only", found
    early = judged(bent(beacon_gone(OUT_MS + 59_999)))
    assert bad(early) == {"beacon"}

    def waits(records: list[Json]) -> None:
        of(records, "open")["rules"]["without_beacon"] = "wait"
        beacon_gone(OUT_MS + 60_000)(records)

    assert bad(judged(bent(waits))) == {"beacon"}


def test_a_round_that_was_out_when_it_was_put_off_is_weak():
    def late(records: list[Json]) -> None:
        void_ms = draw.time_of(QUICKNET, 657_411)
        of(records, "round").update(at_ms=void_ms, round=657_413)
        tell(records)

    found = judged(bent(late))
    assert found["verdict"] == "whole, weak: round_late", found
    assert found["rounds"].startswith("weak round_late: ")


def test_rounds_are_put_off_sixteen_times_at_most():
    def often(times: int) -> Bend:
        def bend(records: list[Json]) -> None:
            number = 657_411 + times
            records.remove(of(records, "round"))
            at = records.index(of(records, "fixed"))
            records[at:at] = [
                {
                    "type": "round",
                    "at_ms": 1_694_775_580_000,
                    "version": 12,
                    "void": 657_411 + one,
                    "round": 657_411 + one + 1,
                    "why": "slow",
                }
                for one in range(times)
            ]
            for version, one in enumerate(
                (one for one in records if "version" in one), 12
            ):
                one["version"] = version
            of(records, "end")["journal"]["version"] = 99
            of(records, "fixed").update(round=number)
            of(records, "drawn").update(round=number)
            tell(records)

        return bend

    assert "rounds" not in bad(judged(bent(often(16))))
    assert "rounds" in bad(judged(bent(often(17))))


@pytest.mark.parametrize(
    ("mode", "opens"), [("fifo", 1_694_775_610_000), ("list", None)]
)
def test_a_line_without_a_draw_has_its_order_from_coming(mode, opens):
    def plain(records: list[Json]) -> None:
        records.remove(of(records, "round"))
        rules = of(records, "open")["rules"]
        rules.update(beacon=None, round=None, closes_at_ms=None)
        rules.update(mode=mode, opens_at_ms=opens)
        for kind in ("open", "fixed", "drawn"):
            of(records, kind)["at_ms"] = 1_694_775_603_412
        root = draw.entrants_root([]).hex()
        of(records, "fixed").update(entries=0, round=None, root=root)
        of(records, "fixed").update(closed_at_ms=1_694_775_603_412)
        of(records, "joins").update(gates={}, minutes=[])
        nothing = {"source": "none", "round": None, "signature": None}
        rule()(records)
        of(records, "drawn").update(nothing, line_hash=draw.line_hash_of([]).hex())
        key = draw.key_of(
            bytes.fromhex(of(records, "drawn")["seed"]),
            bytes.fromhex(root),
            bytes(32),
            bytes.fromhex(of(records, "open")["rules_hash"]),
        )
        first = of(records, "segment")
        ordered = draw.late_order_of(key, vector.STUBS)
        first.update(type="late", step=1)
        first["stubs"] = base64.b64encode(b"".join(ordered)).decode()
        came = of(records, "late", 1)
        came["step"] = 2
        stubs = draw.split(base64.b64decode(came["stubs"]))
        ordered = draw.late_order_of(key, stubs)
        came["stubs"] = base64.b64encode(b"".join(ordered)).decode()
        of(records, "end")["counts"].update(entries=0, late=11)

    found = judged(bent(plain))
    assert (bad(found), found["verdict"]) == (set(), "whole"), found

    def early(records: list[Json]) -> None:
        plain(records)
        of(records, "open")["at_ms"] -= 1

    assert bad(judged(bent(early))) == {"fixed"}


@pytest.mark.parametrize("kind", ["open", "round", "joins", "drawn"])
def test_before_all_are_in_the_line_there_is_nothing_to_check(kind):
    report = check(bent(ends_early(kind)), Options(place=vector.STUBS[0].hex()))
    told = list(report.lines())
    assert told[-1] == "nothing to check", told
    assert not [line for line in told if line.startswith("BAD")]
    assert any(line.startswith("open order: ") for line in told)
    assert any(line.startswith("open place: ") for line in told)
    assert report.status(strict=True) == 2


def test_once_all_are_in_the_line_it_can_be_checked():
    assert judged(bent(ends_early("segment")))["verdict"] == "whole"


def test_a_line_that_was_given_up_in_time_is_nothing_to_check():
    void_ms = draw.time_of(QUICKNET, 657_411)
    for kind, at_ms in (
        ("open", void_ms - 1),
        ("round", OUT_MS - 1),
        ("joins", OUT_MS - 1),
    ):
        early = judged(bent(ends_early(kind, at_ms, over=True)))
        assert early["verdict"] == "nothing to check", early
    for kind, at_ms in (("open", void_ms), ("joins", OUT_MS)):
        assert bad(judged(bent(ends_early(kind, at_ms, over=True)))) == {"end"}


@pytest.mark.parametrize(
    "how",
    [
        {"type": "act", "act": "close", "detail": {}},
        {"type": "sale", "to": "cancelled"},
    ],
)
def test_it_counts_when_a_line_was_given_up_and_not_what_came_later(how):
    """Found by simulation: a seat blocked the day after made it broken."""

    def closed(at_ms: int) -> Bend:
        def bend(records: list[Json]) -> None:
            ends_early("joins", OUT_MS + 9_000, over=True)(records)
            act = {**how, "at_ms": at_ms, "version": 15}
            records.insert(-1, act)

        return bend

    assert judged(bent(closed(OUT_MS - 1)))["verdict"] == "nothing to check"
    assert bad(judged(bent(closed(OUT_MS)))) == {"end"}


def test_without_beacon_a_list_that_is_fixed_is_drawn():
    def given_up(kind: str) -> Bend:
        return all_of(no_beacon, ends_early(kind, 1_694_775_598_000, over=True))

    assert judged(bent(given_up("open")))["verdict"] == "nothing to check"
    assert bad(judged(bent(given_up("joins")))) == {"end"}


# -- Without the library


@pytest.fixture
def no_library(monkeypatch):
    monkeypatch.setattr(opening, "CAN_CHECK", False)


@pytest.mark.usefixtures("no_library")
def test_without_the_library_the_beacon_is_not_checked():
    report = check(lines(), Options())
    assert "open beacon: beacon not checked" in list(report.lines())
    assert report.verdict() == "whole, beacon not checked"
    assert (report.status(strict=False), report.status(strict=True)) == (0, 1)
    both = judged(bent(other_beacon))
    assert both["verdict"] == "whole, weak: beacon_unknown, beacon not checked"


@pytest.mark.usefixtures("no_library")
def test_without_the_library_a_relays_answer_will_do():
    signature = of(whole(), "drawn")["signature"]
    answer = RoundAnswer(round=657_413, signature=signature)
    assert judged(lines(), beacon=answer)["verdict"] == "whole"
    for other in (
        RoundAnswer(round=657_412, signature=signature),
        RoundAnswer(round=657_413, signature="ab" * 48),
        RoundAnswer(round=657_413, signature="?"),
    ):
        found = judged(lines(), beacon=other)
        assert found["verdict"] == "whole, beacon not checked"
