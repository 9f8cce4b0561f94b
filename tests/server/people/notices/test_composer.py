"""Mails in words: each kind, in each language, in text and HTML."""

from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from typing import Any, cast

import pytest
from msgspec.structs import replace

from inventory.settings import Settings
from persistence.events.rows import EventRow
from persistence.mail import LETTER_KINDS, TakenMail
from persistence.people.notices.notices import NOTICE_KINDS
from server.people.notices.composer import LINES_MAX, TEMPLATES, NoticeComposer
from server.transport.mail.composed import File
from server.transport.mail.languages import LANGUAGES

NOW = datetime(2026, 11, 30, tzinfo=UTC)
STARTS_MS = 1_814_464_800_000  # 2027-07-01 18:00 UTC
EVENT = EventRow(
    event="evt_1",
    venue="ven_1",
    capacity=None,
    settings=Settings(
        name="Night of the Proms", starts_at_ms=STARTS_MS, timezone="Europe/Berlin"
    ),
    created_by="usr",
    request_hash=b"",
    created_at=NOW,
    starts_at=NOW,
    venue_name="Old Hall",
)
LINE = {"label": "A-1", "category": "front", "quantity": 1, "amount": 4_650}
DATA: dict[str, dict[str, Any]] = {
    "order_confirmed": {
        "order": "ord_1",
        "reference": "K7M2QX",
        "lines": [LINE, {**LINE, "label": "GA", "category": "GA", "quantity": 3}],
        "total": 123_450,
        "currency": "EUR",
        "tickets": [{"ticket": "tkt_1", "number": "ABCDE12345", "label": "A-1"}],
        "secret": "s3cr-et",
    },
    "order_cancelled": {
        "order": "ord_1",
        "reference": "K7M2QX",
        "labels": ["A-1"],
        "amount": 4_650,
        "currency": "EUR",
    },
    "refund_sent": {
        "order": "ord_1",
        "reference": "K7M2QX",
        "amount": 4_650,
        "currency": "EUR",
    },
    "ticket_transferred": {"ticket": "tkt_1", "number": "ABC", "side": "received"},
    "event_changed": {
        "was_starts_at_ms": STARTS_MS - 86_400_000,
        "was_timezone": "Europe/Berlin",
    },
}
DATA["offer"] = {"rank": 4_711, "until_ms": STARTS_MS - 3_600_000, "quantity": 2}
DATA["turn"] = {"rank": 4_711, "until_ms": STARTS_MS - 3_600_000}
DATA["offer_over"] = {"rank": 4_711, "held": True}
DATA["refund_failed"] = DATA["refund_sent"]
DATA["payment_disputed"] = {
    **DATA["refund_sent"],
    "state": "open",
    "reason": "fraudulent",
}
CODED = {"code": "c0d-e"}
DATA |= {
    "verify_email": CODED,
    "reset_password": CODED,
    "account_made": CODED,
    "order_opening": {**CODED, "order": "ord_1", "reference": "K7M2QX"},
    "registered": {**CODED, "reference": "K7M2QX"},
    "invitation": {
        **CODED,
        "organisation": "The Theatre",
        "role": "staff",
        "inviter": "Olga",
    },
    "join_requested": {
        "organisation": "org_1",
        "request": "req_1",
        "organisation_name": "The Theatre",
        "asker": "Mia",
    },
    "request_accepted": {"organisation": "The Theatre"},
    "request_declined": {"organisation": "The Theatre"},
    "announcement": {"organisation": "The Theatre"},
    "support_raised": {
        "ticket": "sup_1",
        "about": "A cloakroom?",
        "lines": ["Is there one?", "And for bags?"],
        "address": "mia@example.org",
    },
}
KINDS = (*NOTICE_KINDS, *LETTER_KINDS)


class Catalog:
    async def find_event(self, event: str) -> EventRow | None:
        return EVENT if event == "evt_1" else None


@cache
def composer(base: str | None = "https://tickets.example.org/") -> NoticeComposer:
    return NoticeComposer(cast(Any, Catalog()), base)


def mail(kind: str, locale: str = "en", **data: Any) -> TakenMail:
    return TakenMail(
        "mail_1",
        "olga@example.org",
        "Doors open at eight",
        "Please come early.",
        NOW,
        1,
        kind=kind,
        locale=locale,
        event_id="evt_1",
        data={**DATA.get(kind, {}), **data},
    )


class Words(HTMLParser):
    """What somebody reads of a page, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data.split()


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_words_in_each_language(kind, locale):
    subject, text, html = composer().words(mail(kind, locale), EVENT)
    assert subject == " ".join(subject.split(" "))
    assert len(subject.splitlines()) == 1
    assert "{" not in subject + text
    assert "None" not in text
    assert "\n\n\n" not in text
    assert all(line == line.rstrip() for line in text.splitlines()), text
    # No line is longer than a screen, but for one that cannot be broken.
    assert all(len(line) <= 76 or " " not in line.strip() for line in text.splitlines())
    assert text.count("\n--\n") == 1
    read = Words(html)
    assert f'<html lang="{locale}">' in html
    # What the text says stands in the page too, and nothing is fetched from anywhere.
    signs = ("-", "--", ">")
    said = [word for word in text.split() if "://" not in word and word not in signs]
    assert {word.rstrip(":") for word in said} <= {w.rstrip(":") for w in read.words}
    assert "img" not in read.tags
    assert all(link.startswith("https://tickets.example.org") for link in read.links)
    assert len(read.links) == text.count("https://")
    assert read.links[-1] == "https://tickets.example.org"


def test_an_offer_tells_until_when_on_the_clocks_of_the_event():
    _, text, _ = composer().words(mail("offer"), EVENT)
    assert "2 places" in text
    assert "7:00\u202fPM CEST" in text
    _, text, _ = composer().words(mail("offer", "de", quantity=1), EVENT)
    assert "ist ein Platz" in text
    assert "19:00 MESZ" in text or "19:00 CEST" in text


def test_whose_turn_is_over_hears_what_they_had():
    _, text, _ = composer().words(mail("offer_over"), EVENT)
    assert "held for you" in text
    _, text, _ = composer().words(mail("offer_over", held=False), EVENT)
    assert "before you chose" in text


def test_each_language_has_the_same_kinds():
    names = {
        language: sorted(x.name for x in (TEMPLATES / language).iterdir())
        for language in LANGUAGES
    }
    assert len({tuple(one) for one in names.values()}) == 1
    assert {*(f"{kind}.j2" for kind in KINDS), "footer.j2"} == set(names["en"])


def test_the_time_is_that_of_the_events_clocks():
    _, text, html = composer().words(mail("reminder"), EVENT)
    assert "Thursday, July 1, 2027, 8:00\u202fPM CEST (Europe/Berlin)" in text
    assert "8:00\u202fPM CEST (Europe/Berlin)" in html
    _, text, _ = composer().words(mail("reminder", "de-AT"), EVENT)
    assert "Donnerstag, 1. Juli 2027, 20:00 CEST (Europe/Berlin)" in text


def test_a_time_of_winter_is_told_by_the_clocks_of_winter():
    winter = replace(
        EVENT, settings=replace(EVENT.settings, starts_at_ms=1_800_000_000_000)
    )
    _, text, _ = composer().words(mail("reminder", "de"), winter)
    assert "Freitag, 15. Januar 2027, 09:00 CET (Europe/Berlin)" in text


def test_money_has_the_digits_of_its_currency_and_the_signs_of_the_reader():
    def told(locale: str, amount: int, currency: str) -> str:
        one = mail("refund_sent", locale, amount=amount, currency=currency)
        return composer().words(one, EVENT)[0]

    assert told("en", 123_450, "EUR").startswith("€1,234.50 are")
    assert told("de", 123_450, "EUR").startswith("1.234,50\xa0€ sind")
    assert told("en", 4_500, "JPY").startswith("¥4,500 are")
    assert told("en", 4_500, "KWD").startswith("KWD4.500 are")
    # Where cash and accounts have other digits, ours are those that are charged.
    assert told("en", 4_500, "IQD").startswith("4.500 IQD are")


def test_names_make_neither_tags_nor_links_nor_templates():
    name = '<b>Free</b> {{ 7 * 7 }} www.evil.example "x" pay@evil.example'
    event = replace(EVENT, settings=replace(EVENT.settings, name=name))
    subject, text, html = composer().words(mail("order_confirmed"), event)
    assert "<b>" not in html
    assert "&lt;b&gt;Free" in html
    assert "{{ 7 * 7 }}" in subject
    assert "49" not in text
    for said in (subject, text, html):
        assert "www.evil" not in said
        assert "pay@evil" not in said


def test_a_name_of_several_lines_is_one_line_of_the_subject():
    event = replace(
        EVENT, settings=replace(EVENT.settings, name="A\nBcc: x@y.example\r\n" * 40)
    )
    subject, _, _ = composer().words(mail("reminder"), event)
    assert "\n" not in subject
    assert "\r" not in subject
    assert len(subject) <= 150
    assert subject.endswith("…")


def test_a_language_that_we_do_not_speak_is_english():
    for locale in ("fr", "", "de_", "x-klingon", "en-XX", "../../de"):
        subject, _, _ = composer().words(mail("reminder", locale), EVENT)
        assert subject.startswith("Bald" if locale == "de_" else "Soon")


def test_an_order_tells_lines_tickets_and_where_it_is_opened():
    _, text, html = composer().words(mail("order_confirmed"), EVENT)
    assert "Your order K7M2QX is confirmed." in text
    assert "- A-1 (front): €46.50\n- 3 x GA: €46.50\n" in text
    assert "Total: €1,234.50\n" in text
    assert "- ABCDE12345, A-1\n  https://tickets.example.org/tickets/tkt_1\n" in text
    assert (
        "Show the order:\n  https://tickets.example.org/orders/ord_1#s3cr-et\n" in text
    )
    assert 'href="https://tickets.example.org/orders/ord_1#s3cr-et"' in html
    at_door = composer().words(mail("order_confirmed", at_door=True), EVENT)[1]
    assert "to be paid at the door" in at_door


def test_without_an_address_of_ours_there_are_no_links():
    for kind in KINDS:
        _, text, html = composer(None).words(mail(kind), EVENT)
        assert "://" not in text
        assert Words(html).links == []


def test_a_booking_without_an_order_has_no_total_and_no_link_to_one():
    one = mail(
        "order_confirmed", order=None, currency=None, lines=[{**LINE, "amount": None}]
    )
    _, text, _ = composer().words(one, EVENT)
    assert "Your booking K7M2QX is confirmed." in text
    assert "- A-1 (front)\n" in text
    assert "Total" not in text
    assert "/orders/" not in text


def test_a_mail_is_no_list_of_a_thousand():
    lines = [{**LINE, "label": f"A-{number}"} for number in range(LINES_MAX + 7)]
    _, text, _ = composer().words(mail("order_confirmed", lines=lines), EVENT)
    assert text.count("(front)") == LINES_MAX
    assert "- and 7 more\n" in text


def test_what_is_missing_is_no_mail():
    with pytest.raises(Exception, match="reference"):
        composer().words(
            replace(mail("refund_sent"), data={"amount": 1, "currency": "EUR"}), EVENT
        )


def test_an_offered_ticket_has_the_link_that_takes_it():
    """Without our address it has the code: only its holder is shown the ticket."""
    link = "https://tickets.example.org/account#ticket=tkt_1.s3cr-et"
    for locale, said in (("en", "takes the ticket tkt_1"), ("de", "das Ticket tkt_1")):
        one = mail("ticket_transferred", locale, side="offered", secret="s3cr-et")
        _, text, html = composer().words(one, EVENT)
        assert text.count(link) == 1
        # The foot of each mail leads to the shop.
        assert Words(html).links == [link, "https://tickets.example.org"]
        _, text, html = composer(None).words(one, EVENT)
        assert said in text
        assert "    s3cr-et\n" in text
        assert "s3cr-et" in Words(html).words
        assert Words(html).links == []
    for side, links in (("received", 1), ("given", 0)):
        _, text, _ = composer().words(mail("ticket_transferred", side=side), EVENT)
        assert text.count("/tickets/tkt_1") == links
        assert "code takes" not in text


async def test_files_are_made_when_the_mail_is_and_what_is_gone_is_left_out():
    one = composer()

    async def make(name: str) -> File | None:
        return None if name == "gone" else File(f"{name}.pdf", "application/pdf", b"%")

    one.makes["ticket"] = make
    wanted = ("ticket:a", "ticket:gone", "ticket:b")
    made = await one.compose(replace(mail("reminder"), files=wanted))
    assert [file.name for file in made.files] == ["a.pdf", "b.pdf"]
    assert made.subject == "Soon: Night of the Proms"


LINKS = {
    "verify_email": "account#verify=c0d-e",
    "reset_password": "account#reset=c0d-e",
    "account_made": "account#reset=c0d-e",
    "order_opening": "orders/ord_1#c0d-e",
    "registered": "account#registration=c0d-e",
    "invitation": "account#invitation=c0d-e",
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_code_is_a_link_or_stands_alone_and_no_server_sees_it(kind):
    """Behind a `#`, which no browser sends; in its own line where there is no page."""
    link = f"https://tickets.example.org/{LINKS[kind]}"
    for locale in LANGUAGES:
        _, text, html = composer().words(mail(kind, locale), EVENT)
        assert f"\n  {link}\n" in text
        assert Words(html).links[0] == link
        _, text, _ = composer(None).words(mail(kind, locale), EVENT)
        assert "\n    c0d-e\n" in text


def test_a_registration_tells_what_where_and_when():
    subject, text, _ = composer().words(mail("registered", "de-AT"), EVENT)
    assert subject == "Sie sind angemeldet: Night of the Proms"
    when = "Donnerstag, 1. Juli 2027, 20:00 CEST (Europe/Berlin)"
    assert f"Night of the Proms\nOld Hall\n{when}\n" in text
    assert "K7M2QX" in text


def test_an_invitation_says_who_invites_to_what_and_as_what():
    def said(locale: str, **data: str) -> str:
        return " ".join(
            composer().words(mail("invitation", locale, **data), None)[1].split()
        )

    assert (
        "“Olga” invites you to the organisation “The Theatre”, which sells tickets"
        " here, as a member of staff."
    ) in said("en")
    assert "as a leader." in said("en", role="leader")
    assert "„Olga“ lädt Sie ein, in der Organisation „The Theatre“" in said("de")
    assert "mit Leitungsrechten." in said("de", role="leader")
    assert "You are invited to the organisation" in said("en", inviter="")


def test_names_in_an_invitation_are_words_and_no_links():
    evil = 'www.evil.example <a href="https://evil.example">x</a>'
    one = mail("invitation", organisation=evil, inviter=evil)
    for said in composer().words(one, None):
        assert "www.evil" not in said
        assert "://evil" not in said
        assert '<a href="https://evil' not in said


def test_an_announcement_is_said_as_it_was_written_and_says_who_sends_it():
    written = replace(
        mail("announcement"),
        subject="Doors <open>",
        body="Come early.\r\n\r\nSee https://theatre.example/?a=1&b=2\n\x1b[31m\u202e!",
    )
    subject, text, html = composer().words(written, EVENT)
    assert subject == "Doors <open>"
    assert text.startswith(
        "Come early.\n\nSee https://theatre.example/?a=1&b=2\n[31m!\n"
    )
    assert "<open>" not in html
    assert "https://theatre.example/?a=1&amp;b=2" in html
    why = "The Theatre sends this to everybody who has tickets for Night of the Proms."
    assert why in " ".join(text.split())
    assert "as a member of The Theatre" in composer().words(written, None)[1]


def test_what_somebody_asks_is_quoted_and_answered_at_an_address_that_works():
    one = mail("support_raised", lines=["See https://evil.example", "Bye"])
    subject, text, html = composer().words(one, EVENT)
    assert subject == "Support: A cloakroom?"
    assert "mia@example.org" in text
    assert "mia@example.org" in html
    assert "> Bye\n" in text
    assert "https://evil" not in text + html


def test_what_is_gone_by_now_is_left_out_of_a_mail():
    for kind in ("registered", "announcement", "support_raised"):
        subject, text, _ = composer().words(mail(kind), None)
        assert subject
        assert "Night of the Proms" not in text


def test_another_place_is_told_with_its_address():
    there = replace(EVENT, venue_address="1 High Street, www.evil.example")
    one = replace(mail("event_changed"), data={"place": True})
    subject, text, html = composer().words(one, there)
    assert subject == "New place: Night of the Proms"
    assert "Old Hall\n1 High Street, www" in text
    assert "was to begin" not in text
    assert "www.evil" not in text + html
