"""What is set on a ticket, and what is refused, by a child's own hands."""

import hashlib
import json
import unicodedata

import pytest
from msgspec import msgpack, structs

from server.shop.tickets.pictures.printing import (
    FONT,
    Answer,
    Printed,
    read_answer,
    unset_letter,
    work,
)
from tests.server.shop.tickets.scanning import read_pdf
from tests.server.shop.tickets.test_token import OF_VERSION_1

SHAPED = ("ARABIC LETTER", "HEBREW LETTER", "DEVANAGARI LETTER")
TICKET = Printed(
    code=OF_VERSION_1,
    number="K7QX2MABCD",
    event="A concert",
    when="31 December 2035, 20:00 (Europe/Berlin)",
    venue="Großes Haus",
    place="Seat A-1",
    holder="Ünal Çelik",
    reference="Booking K7QX2M",
)


def printed(**fields: str) -> Answer:
    return read_answer(work(msgpack.encode([structs.replace(TICKET, **fields)])))


@pytest.mark.parametrize(
    "name",
    [
        "Ünïcode Łódź İstanbul Đặng Việt œuvre",
        "Ἀθήνα, Ελλάδα: Ὀρέστεια",
        "Щелкунчик, Київ, Ђорђе, Қазақстан",
        "Fidelio \u2013 „Nr. 5“ … 20 € / № 3 ½ ™",
        unicodedata.normalize("NFD", "Café Übü"),
        "Donau\u00addampf\u200bschiff",
    ],
)
def test_latin_greek_and_cyrillic_are_read_back_from_the_page(name):
    text, code = read_pdf(printed(event=name, holder=name).pdf)
    shown = unicodedata.normalize("NFC", name).replace("\u00ad", "")
    shown = shown.replace("\u200b", "")
    assert text.replace("\n", " ").count(shown) == 2
    assert code == OF_VERSION_1
    for said in (TICKET.number, TICKET.when, TICKET.venue, TICKET.place):
        assert said in text


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("東京 公演", "東"),
        ("ليلة", "ل"),
        ("לילה", "ל"),
        ("हिन्दी", "ह"),
        ("ไทย", "ไ"),
        ("한국", "한"),
        ("Ẹ̀kọ́", "\u0300"),
        ("Party 🎉", "🎉"),
        ("bell\x07", "\x07"),
        ("\u202eevil", "\u202e"),
        ("\U0001d538", "\U0001d538"),
        ("Ⴀ", "Ⴀ"),
    ],
)
def test_what_needs_more_than_the_font_is_refused_by_its_letter(name, letter):
    for field in ("event", "venue", "holder", "place"):
        answer = printed(**{field: f"With {name}"})
        assert (answer.unset, answer.pdf) == (letter, b"")


def test_no_letter_is_set_whose_name_is_of_another_script():
    for code in range(0x110000):
        letter = chr(code)
        name = unicodedata.name(letter, "")
        is_letter = unicodedata.category(letter)[0] == "L"
        if is_letter and name.startswith(
            ("ARABIC LETTER", "HEBREW LETTER", "DEVANAGARI LETTER")
        ):
            assert unset_letter(letter) is not None


def test_the_same_ticket_is_the_same_bytes():
    assert printed().pdf == printed().pdf


def test_names_of_any_length_stay_on_the_page():
    for name in ("W" * 200, "word " * 40, "Donaudampfschifffahrt " * 9):
        text, code = read_pdf(printed(event=name, venue=name, holder=name).pdf)
        assert code == OF_VERSION_1
        assert text.count("…") >= 1 or name.strip() in text.replace("\n", " ")


def test_the_font_is_the_one_that_its_manifest_names():
    (entry,) = json.loads((FONT.parent / "manifest.json").read_text())
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FONT.parent.iterdir()
        if path.name != "manifest.json"
    }
    assert found == entry["files"]
