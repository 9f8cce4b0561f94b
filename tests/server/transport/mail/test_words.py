"""Names that somebody typed in are words in our mails, and nothing else."""

import pytest

from server.transport.mail.words import harmless, plain, shortened


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Café Noir", "Café Noir"),
        ("Rock & <b>Roll</b>", "Rock & <b>Roll</b>"),
        ("Night\r\nBcc: all@example.org", "Night Bcc: all@\u200bexample.\u200borg"),
        ("  many\t\tblanks\u2028and lines ", "many blanks and lines"),
        ("https://evil.example/x?y", "https:\u200b//evil.\u200bexample/x?y"),
        ("www.evil.example", "www.\u200bevil.\u200bexample"),
        ("\u202egnorw\u202c", "gnorw"),
        ("null\x00byte\x1b[31m", "nullbyte[31m"),
        ("=?utf-8?q?evil=2Eexample?=", "=\u200b?utf-8?q?evil=2Eexample?="),
        ("Dr. Who. Live", "Dr. Who. Live"),
        ("", ""),
    ],
)
def test_what_was_typed_is_one_line_without_a_link(typed, written):
    assert harmless(typed) == written


def test_what_an_organisation_says_stays_but_for_hidden_signs():
    family = "\U0001f468\u200d\U0001f469"
    said = f"\nHello https://a.example\r\n\tA {family}\x00\u202e!\n\n"
    assert plain(said) == f"Hello https://a.example\n A {family}!"


def test_what_is_too_long_ends_with_a_sign_that_it_is():
    assert shortened("abcd", 4) == "abcd"
    assert shortened("abcde", 4) == "abc…"
