"""The words of the pages: each phrase is there in each language, and all are used."""

import json
import re
from typing import Any, get_args

import pytest

from inventory.money import EXPONENTS
from inventory.settings import SaleState
from persistence.people.notices.notices import NOTICE_KINDS
from persistence.shop.orders.records import Status
from persistence.shop.tickets.register import State
from server.pages.assets import Assets

FILES = {path: one.body.decode() for path, one in Assets().files.items()}
LANGUAGES = sorted(
    {
        path.split("/")[1]
        for path in FILES
        if path.count("/") == 2 and path.startswith("words/")
    }
)
WINGS = sorted(
    path.split("/")[2].removesuffix(".js")
    for path in FILES
    if path.startswith("words/en/")
)
SCRIPTS = {
    path: text
    for path, text in FILES.items()
    if path.endswith(".js") and not path.startswith(("words/", "vendor/"))
}
SAID = re.compile(r'\bt\(\s*"([\w.]+)"')
TEXT = r'"(?:[^"\\]|\\.)*"'
PHRASE = re.compile(rf"^  (\w+):\s*({TEXT}|\{{[^}}]*(?:\{{\w+\}}[^}}]*)*\}}),$", re.M)
COMMENT = re.compile(r"^\s*//.*$", re.M)


def phrases_of(language: str, wing: str) -> dict[str, Any]:
    """Read a file of words: names, and texts or their forms by number."""
    text = COMMENT.sub("", FILES[f"words/{language}/{wing}.js"])
    # All on one line, as long ones are broken after their colon.
    body = re.sub(r"\n {4,}|\n  \}", lambda found: " " + found[0].strip(), text)
    found: dict[str, Any] = {}
    for name, told in PHRASE.findall(body):
        assert name not in found, f"{wing}.{name} is there twice"
        if told.startswith('"'):
            found[name] = json.loads(told)
        else:
            forms = re.findall(rf"(\w+):\s*({TEXT})", told)
            found[name] = {form: json.loads(one) for form, one in forms}
    rest = PHRASE.sub("", body).replace("export default {", "").replace("};", "")
    assert not rest.strip(), f"not understood in {language}/{wing}: {rest.strip()}"
    return found


def texts_of(phrase: Any) -> list[str]:
    return [phrase] if isinstance(phrase, str) else list(phrase.values())


def slots_of(phrase: Any) -> set[str]:
    return {
        slot for text in texts_of(phrase) for slot in re.findall(r"\{(\w+)\}", text)
    }


ENGLISH = {wing: phrases_of("en", wing) for wing in WINGS}
KNOWN = {f"{wing}.{name}" for wing, phrases in ENGLISH.items() for name in phrases}


@pytest.mark.parametrize("wing", WINGS)
@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_each_language_says_the_same_things(language, wing):
    ours = phrases_of(language, wing)
    assert list(ours) == list(ENGLISH[wing])
    for name, phrase in ours.items():
        other = ENGLISH[wing][name]
        assert all(text.strip() for text in texts_of(phrase)), name
        assert slots_of(phrase) == slots_of(other), name
        if isinstance(other, dict):
            assert {"one", "other"} <= set(phrase), name


@pytest.mark.parametrize("path", SCRIPTS)
def test_what_a_module_says_there_are_words_for(path):
    assert set(SAID.findall(SCRIPTS[path])) <= KNOWN


def test_every_phrase_is_said_somewhere():
    everything = "\n".join(SCRIPTS.values())
    # Others are put together: "own.state_" and a state, or listed by their names.
    begun = set(re.findall(r"\bt\(`([\w.]+?)\$", everything))
    begun |= set(re.findall(r"`(\w+\.\w*)\$\{", everything))
    listed = set(re.findall(r'"([\w.]+)"', everything))
    unsaid = {
        name
        for name in KNOWN
        if name not in listed
        and name.partition(".")[2] not in listed
        and not any(name.startswith(one) for one in begun)
    }
    assert unsaid == set()


def test_each_refusal_that_the_page_knows_has_words():
    known = re.search(r"KNOWN = new Set\(\[(.*?)\]\)", FILES["buy/trouble.js"], re.S)
    assert known is not None
    codes = re.findall(r'"(\w+)"', known[1])
    assert len(codes) > 25
    assert {f"no_{code}" for code in codes} <= set(ENGLISH["buy"])


def test_each_state_of_a_sale_that_is_not_on_has_words():
    for state in set(get_args(SaleState)) - {"on_sale"}:
        assert f"is_{state}" in ENGLISH["buy"], state


def test_every_state_of_orders_and_tickets_has_words():
    told = "\n".join(text for path, text in SCRIPTS.items() if path.startswith("own/"))
    told += "\n".join(ENGLISH["own"])
    for state in (*get_args(Status), *get_args(State)):
        assert re.search(rf"\b\w*_?{state}\b", told), state


def test_every_kind_of_notice_has_words():
    told = set(re.findall(r'case "(\w+)":', FILES["own/notices.js"]))
    assert told == set(NOTICE_KINDS)


def test_amounts_have_the_digits_that_the_server_thinks_they_have():
    told = dict(re.findall(r'const (\w+)_DIGITS = "([^"]+)"', FILES["words/format.js"]))
    by_digits = {0: set(told["NO"].split()), 3: set(told["THREE"].split())}
    for digits, codes in by_digits.items():
        assert codes == {code for code, of in EXPONENTS.items() if of == digits}
    assert set(EXPONENTS.values()) == {0, 2, 3}
