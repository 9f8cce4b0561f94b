"""Names that somebody typed in are words in our mails, and nothing else."""

import pytest

from server.transport.mail.words import harmless, told_time


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


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "2027-07-01 18:00 UTC"),
        ("Europe/Berlin", "2027-07-01 20:00 CEST (Europe/Berlin)"),
    ],
)
def test_times_are_those_of_the_clocks_there(zone, written):
    assert told_time(1_814_464_800_000, zone) == written
