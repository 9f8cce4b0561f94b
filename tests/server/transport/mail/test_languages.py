"""Which of our languages somebody reads."""

import pytest

from server.transport.mail.languages import RANGES_MAX, language_of, preferred


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de-AT"),
        ("fr-CH, fr;q=0.9, de;q=0.7, en;q=0.8, *;q=0.5", "en"),
        ("fr, de;q=0", ""),
        ("fr;q=1, de;q=0.001", "de"),
        ("en;q=0.5, de ; Q=0.5", "en"),
        ("de;level=1", ""),
        ("de;q=nan, en;q=2", ""),
        ("", ""),
        ("*", ""),
        ("de-" + "x" * 40, ""),
        ("../de, de_DE", "de_DE"),
    ],
)
def test_the_first_that_we_speak_is_taken(header, locale):
    assert preferred(header) == locale


def test_who_names_a_thousand_languages_is_read_for_a_moment_only():
    assert preferred(",".join(["fr"] * (RANGES_MAX - 1) + ["de"])) == "de"
    assert preferred(",".join(["fr"] * RANGES_MAX + ["de"])) == ""


def test_what_we_do_not_speak_is_english():
    assert [language_of(one) for one in ("de-CH", "DE", "fr", "", "german")] == [
        "de",
        "de",
        "en",
        "en",
        "en",
    ]
