"""What is whole is found whole; what is bent is found, though it is signed again."""

import base64
import hashlib

import pytest

import tests.inventory.line.test_draw as vector
from inventory.line import draw
from server.events.audit.receipts import ReceiptKey, public_key_of
from server.events.line.verify.checker import check
from server.events.line.verify.options import Options
from server.events.line.verify.report import ORDER
from tests.server.events.line.verify.bending import (
    OTHER,
    PUBLIC,
    TURN,
    UNTIL,
    Bend,
    Json,
    all_of,
    bad,
    bent,
    count,
    drop,
    former,
    judged,
    lines,
    of,
    put,
    rule,
    set_in,
    signed,
    stubs,
    swapped,
    told,
    whole,
)


def test_a_whole_draw_is_whole():
    report = check(lines(), Options(key=public_key_of(bytes.fromhex(PUBLIC))))
    told = list(report.lines())
    assert [line.split(":")[0] for line in told[:-1]] == [
        f"ok {name}" for name in ORDER if name not in ("witness", "place")
    ]
    assert told[-1] == "whole"
    assert report.status(strict=True) == 0


def test_without_the_servers_key_the_sentence_says_so():
    assert "(no --key given)" in judged(lines())["signature"]
    key = public_key_of(bytes.fromhex(PUBLIC))
    assert "the given key" in judged(lines(), key=key)["signature"]


def test_it_is_not_of_another_key():
    found = judged(lines(), key=ReceiptKey(b"2" * 32).public)
    assert {"signature", "fixed"} <= bad(found)
    assert found["verdict"] == "broken"


def test_it_names_the_key_that_signed_it():
    def names_another(records: list[Json]) -> None:
        other = ReceiptKey(b"2" * 32).public
        of(records, "head")["key"] = {
            "algorithm": "Ed25519",
            "key_id": other.key_id,
            "public_key": other.public_key,
        }

    key = public_key_of(bytes.fromhex(PUBLIC))
    assert bad(judged(bent(names_another), key=key)) == {"signature"}


# -- What is changed without the key


@pytest.mark.parametrize("number", range(24))
def test_whatever_is_changed_without_the_key_is_found(number):
    changed = lines()
    digits = b"0123456789"
    at = next(at for at in range(len(changed[number])) if changed[number][at] in digits)
    own = bytearray(changed[number])
    own[at] = ord("7") if own[at] != ord("7") else ord("3")
    changed[number] = bytes(own)
    assert judged(changed)["verdict"] == "broken"


@pytest.mark.parametrize("number", range(24))
def test_a_line_that_is_missing_is_found(number):
    changed = lines()
    del changed[number]
    assert judged(changed)["verdict"] == "broken"


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told[:-1],
        lambda told: [*told, b"\n"],
        lambda told: [*told, told[-1]],
        lambda told: [*told[:-1], told[-1][:-1]],
        lambda told: [told[0], b"\n", *told[1:]],
        lambda told: [told[0], *told],
        lambda told: [told[0].replace(b":", b": ", 1), *told[1:]],
        lambda told: [*told[:-1], told[-1].replace(b"\n", b"\r\n")],
    ],
    ids=["cut", "empty", "twice", "no end", "gap", "two heads", "spaces", "crlf"],
)
def test_the_form_is_one(change):
    assert bad(judged(change(lines()))) == {"form"}


# -- What its operator changes and signs again


SEED = bytes(range(1, 33)).hex()
ENTRANT = vector.STUBS[4]

BENT: dict[str, tuple[str, Bend]] = {
    # The list and the order.
    "an entrant dropped": ("root", stubs("segment", lambda own: own[:-1])),
    "an entrant added": ("root", stubs("segment", lambda own: [*own, b"\xff" * 16])),
    "an entrant another": ("root", stubs("segment", lambda o: [b"\1" * 16, *o[1:]])),
    "an entrant twice": ("root", stubs("segment", lambda own: [own[0], *own[:-1]])),
    "two ranks swapped": ("order", stubs("segment", swapped)),
    "a rank moved": ("order", stubs("segment", lambda own: [*own[1:], own[0]])),
    "another root": ("root", told(set_in("fixed", root=OTHER))),
    "a root not signed": ("fixed", set_in("fixed", root=OTHER)),
    "another count": ("root", told(set_in("fixed", entries=7))),
    "another line_hash": ("order", set_in("drawn", line_hash=OTHER)),
    "a rank left out": ("order", set_in("segment", first=2)),
    "an entrant as late": (
        "late",
        stubs("late", lambda own: draw.late_order_of(vector.KEY, [ENTRANT, *own])),
    ),
    "late ones swapped": ("late", stubs("late", swapped)),
    "a late one twice": ("late", stubs("late", lambda own: [own[0], own[0], *own[1:]])),
    "a late step skipped": ("late", set_in("late", step=2)),
    "a late rank left out": ("late", set_in("late", first=10)),
    # Seed, rules, rounds.
    "another seed": ("commitment", set_in("drawn", seed=SEED)),
    "another commitment": ("commitment", told(set_in("open", commitment=OTHER))),
    "another rules_hash": ("rules", set_in("open", rules_hash=OTHER)),
    "a rule changed after": (
        "rules",
        lambda records: of(records, "open")["rules"].update(turn_s=60),
    ),
    "a rule changed before": ("order", rule(turn_s=60)),
    "rules of another event": ("rules", rule(event="evt_other")),
    "rules of another draw": ("rules", rule(draw=3)),
    "rules that nobody keeps": ("rules", rule(fix_within_s=1)),
    "a round of choice": ("rules", rule(round=657_412)),
    "opened when it closed": ("rules", set_in("open", at_ms=1_694_775_589_000)),
    "another round": ("rounds", set_in("round", round=657_414)),
    "a round after all times": ("fixed", set_in("round", round=2**53 - 1)),
    "another void one": ("rounds", set_in("round", void=657_410)),
    "the round not put off": ("fixed", drop("round")),
    "waits for another": ("fixed", told(set_in("fixed", round=657_414))),
    "fixed at the last moment": (
        "fixed",
        told(set_in("fixed", at_ms=1_694_775_602_001)),
    ),
    "closed too soon": ("fixed", told(set_in("fixed", closed_at_ms=1_694_775_588_999))),
    "closed after it was fixed": (
        "fixed",
        told(set_in("fixed", closed_at_ms=1_694_775_597_201)),
    ),
    "more at a gate than came": ("fixed", set_in("joins", gates={"pow": 9})),
    "a minute hidden": ("fixed", set_in("joins", minutes=[[28_246_230, 3]])),
    "another randomness": ("beacon", set_in("drawn", round=657_412)),
    "drawn before its round": ("beacon", set_in("drawn", at_ms=1_694_775_602_999)),
    "a signature of none": ("beacon", set_in("drawn", signature="c0" + "00" * 47)),
    "no signature": ("beacon", set_in("drawn", signature=None)),
    "without the beacon": (
        "beacon",
        set_in("drawn", source="seed_only", round=None, signature=None),
    ),
    "nothing drawn": (
        "beacon",
        set_in("drawn", source="none", round=None, signature=None),
    ),
    "a part that it has not": ("beacon", set_in("drawn", source="seed_only")),
    # Former draws.
    "a former draw hidden": ("earlier", drop("earlier")),
    "a former seed kept back": ("earlier", former(seed=None)),
    "a former seed changed": ("earlier", former(seed=SEED)),
    "a former draw thrown away": ("earlier", former(at_ms=1_694_775_423_001)),
    "a former draw of another number": ("earlier", former(draw=2)),
    "a former round of choice": ("earlier", former(round=657_350)),
    "a former round hidden": ("earlier", former(round=None)),
    # Turns and places.
    "a turn out of order": ("turns", set_in("turn", rank=3)),
    "a turn of who is away": (
        "turns",
        put("wish", **TURN, rank=4, until_ms=UNTIL),
    ),
    "a turn of who paused": ("turns", put("wish", **TURN, rank=6, until_ms=UNTIL)),
    "a turn of nobody": ("turns", put("wish", **TURN, rank=99, until_ms=UNTIL)),
    "a turn of who had one": ("turns", put("recast", **TURN, rank=1, until_ms=UNTIL)),
    "a turn of who left": ("turns", put("wish", **TURN, rank=7, until_ms=UNTIL)),
    "a turn invented": ("turns", put("wish", **TURN, rank=8, until_ms=UNTIL)),
    "a turn before the line opens": (
        "turns",
        all_of(
            set_in("sale", at_ms=1_694_775_609_000),
            set_in("turn", at_ms=1_694_775_609_999),
        ),
    ),
    "a turn before the sale": ("turns", drop("sale")),
    "a turn too short": ("turns", set_in("turn", until_ms=1_694_775_790_019)),
    "seats too short": ("turns", set_in("turn", 1, until_ms=1_694_775_790_020)),
    "more seats than wished": ("turns", set_in("turn", 1, quantity=3)),
    "seats of another category": ("turns", set_in("turn", 1, category="3")),
    "seats without a category": ("turns", set_in("turn", 1, category=None)),
    "no seats for a wish": ("turns", set_in("turn", 1, category=None, quantity=0)),
    "seats for who chooses": ("turns", set_in("turn", category="1", quantity=2)),
    "a turn ended early": ("turns", set_in("turn_end", 1, at_ms=1_694_775_814_999)),
    "a turn ended twice": ("turns", set_in("turn_end", 1, rank=2)),
    "a turn made shorter": ("turns", set_in("turn_until", until_ms=1_694_775_790_019)),
    "a turn that never was": ("turns", set_in("turn_until", rank=3)),
    "away who was away": (
        "turns",
        put("place", type="presence", away=[4], back=[]),
    ),
    "back who was not away": ("turns", set_in("presence", away=[], back=[4])),
    "paused who left": ("turns", set_in("place", rank=7)),
    "resumed who waits": ("turns", set_in("place", to="waiting")),
    "a wish of who left": ("turns", set_in("wish", rank=7)),
    "left who was not fed": ("turns", set_in("segment", left=[9])),
    "who left comes to wait": ("end", set_in("segment", left=[])),
    "an act removed": ("turns", put("turn", type="act", act="pause", detail={})),
    "a turn when all was over": (
        "turns",
        put("end", **TURN, rank=5, until_ms=UNTIL, at_ms=1_694_776_110_000),
    ),
    # The end.
    "a turn not counted": ("end", count(turns=1)),
    "a late one not counted": ("end", count(late=2)),
    "who waits not counted": ("end", count(waiting=7)),
    "an end not counted": (
        "end",
        count(ended={"booked": 2, "left": 0, "ran_out": 0, "sale": 0}),
    ),
    "over with a turn open": ("end", all_of(drop("turn_end", 1), count(open=1))),
    # What has no place, no form, no name.
    "a version twice": ("form", set_in("late", version=16)),
    "back in time": ("form", set_in("late", at_ms=1_694_775_603_429)),
    "ended before": ("form", set_in("end", at_ms=1)),
    "joins elsewhere": ("form", lambda records: records.insert(7, records.pop(5))),
    "late before the entrants": (
        "form",
        lambda records: records.insert(7, records.pop(8)),
    ),
    "an unknown type": ("form", set_in("grant", type="gift")),
    "an unknown member": ("form", set_in("grant", note="x")),
    "a member missing": ("form", lambda records: of(records, "grant").pop("because")),
    "a name that is none": ("form", set_in("grant", because="Presale")),
    "a number below nothing": ("form", set_in("grant", until_ms=-1)),
    "a number too large": ("form", set_in("grant", until_ms=2**53)),
    "a fraction": ("form", set_in("grant", until_ms=1.5)),
    "a state that is none": ("form", set_in("sale", to="open")),
    "half a stub": ("form", set_in("late", stubs="AAAA")),
    "more classes than stubs": ("form", set_in("late", classes="AAEAAAAAAAA=")),
    "ranks that do not ascend": ("form", set_in("presence", away=[4, 3])),
    "away and back": ("form", set_in("presence", away=[4], back=[4])),
    "a class out of nowhere": ("form", set_in("late", classes="AAkAAAAA")),
    "a class with two wishes": (
        "form",
        lambda records: of(records, "wish").update(
            wishes=of(records, "segment")["wishes"]
        ),
    ),
    "a wish that there is": (
        "form",
        lambda records: of(records, "wish").update(
            wishes=[{**of(records, "segment")["wishes"][0], "class": 3}]
        ),
    ),
    "a category twice": (
        "form",
        lambda records: of(records, "segment")["wishes"][0].update(
            categories=["1", "1"]
        ),
    ),
    "no seats wished": (
        "form",
        lambda records: of(records, "segment")["wishes"][0].update(quantity=0),
    ),
    "an act with too much": ("form", set_in("act", detail={"id": "x"})),
    "a setting that is none": ("form", set_in("act", act="set", detail={"bits": 3})),
    "a setting of another kind": (
        "form",
        set_in("act", act="set", detail={"turn_s": True}),
    ),
    "a key of another name": (
        "form",
        lambda records: of(records, "head")["key"].update(key_id="0" * 16),
    ),
    "a text too long": ("form", set_in("head", event="e" * 501)),
    "a rank beyond all": ("form", set_in("place", rank=5_000_001)),
}


@pytest.mark.parametrize(("name", "bend"), BENT.values(), ids=list(BENT))
def test_what_is_bent_and_signed_again_is_found(name, bend):
    found = judged(bent(bend))
    assert name in bad(found), found
    assert found["verdict"] == "broken"
    assert check(bent(bend), Options()).status(strict=False) == 1


# -- What is allowed, though it looks odd


GOOD: dict[str, Bend] = {
    "until the very moment": set_in("turn", until_ms=1_694_775_790_020),
    "at the very end": set_in("turn_end", 1, at_ms=1_694_775_815_000),
    "who paused waits again": put("wish", type="place", rank=6, to="waiting"),
    "back again": put("wish", type="presence", away=[], back=[4]),
    "a message": put("wish", type="act", act="message", detail={"id": "msg_1"}),
    "a shorter turn, set": all_of(
        put("turn", type="act", act="set", detail={"turn_s": 10, "offer_s": 5}),
        set_in("turn", until_ms=1_694_775_620_020),
        set_in("turn", 1, until_ms=1_694_775_615_021),
    ),
    "paused, and on again": all_of(
        put("turn", type="act", act="pause", detail={}),
        put("turn", type="act", act="resume", detail={}),
    ),
}


@pytest.mark.parametrize("bend", GOOD.values(), ids=list(GOOD))
def test_what_the_rules_allow_is_whole(bend):
    found = judged(bent(bend))
    assert (bad(found), found["verdict"]) == (set(), "whole"), found


def test_what_is_not_signed_by_its_own_key_is_found():
    records = whole()
    other = signed(records, vector_key())
    assert bad(judged(other)) == {"signature"}


def vector_key():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(b"2" * 32)


def many_late(*records_of: tuple[int, int]) -> Bend:
    """Late records in one order, of so many stubs each, with these steps."""

    def bend(records: list[Json]) -> None:
        late = of(records, "late")
        where = records.index(late)
        count = sum(count for count, _ in records_of)
        stubs_of = [hashlib.sha256(b"%d" % one).digest()[:16] for one in range(count)]
        ordered = draw.late_order_of(vector.KEY, stubs_of)
        records.remove(late)
        first = 0
        for number, (own, step) in enumerate(records_of):
            packed = base64.b64encode(b"".join(ordered[first : first + own])).decode()
            classes = base64.b64encode(bytes(2 * own)).decode()
            more: Json = {"first": 9 + first, "step": step, "version": 0}
            more |= {"stubs": packed, "classes": classes}
            records.insert(where + number, {**late, **more})
            first += own
        for version, one in enumerate((one for one in records if "version" in one), 12):
            one["version"] = version
        of(records, "end")["journal"]["version"] = 99
        of(records, "end")["counts"].update(late=count, waiting=5 + count)

    return bend


def test_a_step_of_many_goes_on_in_one_order_behind_a_full_record():
    assert judged(bent(many_late((4_096, 1), (4_096, 1), (2, 1))))["verdict"] == "whole"
    # Each step has its own order, and a step goes on behind a full record only.
    assert bad(judged(bent(many_late((4_095, 1), (2, 1))))) == {"late"}
    assert bad(judged(bent(many_late((4_096, 1), (2, 3))))) == {"late"}
    assert judged(bent(many_late((4_096, 1), (2, 2))))["verdict"] == "whole"


def test_a_record_of_too_many_is_none():
    assert bad(judged(bent(many_late((4_097, 1))))) == {"form"}
