"""Puts mails in words, in text and HTML, from one template for each kind and language.

A template says everything once: its paragraphs are macros, of which there are those of
text and those of HTML. Names of events and whatever people typed in are values, never
templates; in HTML they are escaped, and nowhere do they make a link.
"""

import re
import textwrap
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from persistence.events.catalog import Catalog
from persistence.events.rows import EventRow
from persistence.mail import TakenMail
from server.people.notices.formats import (
    locale_of,
    told_data,
    told_money,
    told_time,
)
from server.transport.mail.composed import Composed, File
from server.transport.mail.languages import language_of
from server.transport.mail.words import harmless, plain, shortened

TEMPLATES: Final = Path(__file__).parent / "templates"
SUBJECT_LENGTH_MAX: Final = 150
WIDTH: Final = 76
"""Of a line of text, in signs: a quoted answer fits beside it."""

LINES_MAX: Final = 100
"""So many seats and tickets are told one by one; a mail is no list of a thousand."""

FILES_MAX: Final = 11
"""Such as a file for calendars and ten tickets; more would be no mail any more."""

MAYBE: Final[dict[str, Any]] = {
    "order": None,
    "part": False,
    "labels": [],
    "amount": None,
    "currency": None,
    "tickets": [],
    "at_door": False,
    "secret": "",
    "inviter": "",
    "place": False,
    "carries": frozenset(),
}
"""What a mail may leave out. Of all else a template says that it is missing."""

_BLANKS: Final = re.compile(r"[ \t\r\n]+")
"""Not those that keep an amount and its sign on one line."""

_BLANK: Final = re.compile(r"\n{3,}")

Make = Callable[[str], Awaitable[File | None]]
"""Makes a file of a thing by its id; None where there is no such thing any more."""


class NoticeComposer:
    """Puts mails in words. `base` is where our pages are; None where nobody knows."""

    def __init__(self, catalog: Catalog, base: str | None) -> None:
        self.makes: dict[str, Make] = {}
        """What makes files, by what stands before the id: as `ticket`."""
        self._catalog = catalog
        self._base = None if base is None else base.rstrip("/")
        self._text = _environment(html=False)
        self._html = _environment(html=True)

    async def compose(self, mail: TakenMail) -> Composed:
        """Return what a mail says.

        Raises `NotYet`, `Unavailable`, and what a template does.
        """
        event = None
        if mail.event_id is not None:
            event = await self._catalog.find_event(mail.event_id)
        files = await self._files(mail.files)
        words = self.words(mail, event, frozenset(files))
        return Composed(*words, tuple(files.values()))

    def words(
        self,
        mail: TakenMail,
        event: EventRow | None,
        carries: frozenset[str] = frozenset(),
    ) -> tuple[str, str, str]:
        """Return a mail's subject, its text and its HTML.

        `carries` names the files that it has, as its `files` do.
        """
        language, locale = language_of(mail.locale), locale_of(mail.locale)
        given = {
            **MAYBE,
            **told_data(mail.data),
            "carries": {one.partition(":")[0] for one in carries},
            # What an organisation tells its own people stays as it is.
            "headline": plain(mail.subject),
            "said": plain(mail.body),
            # A validated address, which is to be one.
            "address": mail.data.get("address"),
            "event": None if event is None else _told_event(event),
            "base": self._base,
            "lang": language,
            "lines_max": LINES_MAX,
            "money": partial(told_money, locale=locale),
            "time": partial(told_time, locale=locale),
        }
        name = f"{language}/{mail.kind}.j2"
        text = self._text.get_template(name).render(given)
        subject, _, body = text.partition("\n")
        subject = shortened(subject, SUBJECT_LENGTH_MAX)
        html = self._html.get_template(name).render(given)
        return subject, f"{_BLANK.sub(chr(10) * 2, body).strip()}\n", html

    async def _files(self, wanted: tuple[str, ...]) -> dict[str, File]:
        files = {}
        for one in wanted[:FILES_MAX]:
            kind, _, name = one.partition(":")
            file = await self.makes[kind](name)
            if file is not None:
                files[one] = file
        return files


def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        # Text goes to nobody who reads tags.
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["flow"] = _flow
    environment.filters["wrap"] = _wrap
    form = "html" if html else "text"
    environment.globals["layout"] = f"{form}.j2"
    environment.globals["m"] = environment.get_template(f"{form}_parts.j2").module
    return environment


def _flow(text: Any) -> Any:
    """Write what a template has on several lines as one, as safe as it was."""
    # `type`, because what is escaped is of a type of its own.
    return type(text)(_BLANKS.sub(" ", text).strip(" "))


def _wrap(text: str) -> str:
    """Write a paragraph as lines that are read without turning the head.

    No address, and nothing that a blank keeps together, is broken.
    """
    return textwrap.fill(
        _BLANKS.sub(" ", text).strip(" "),
        WIDTH,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _told_event(event: EventRow) -> dict[str, Any]:
    settings = event.settings
    return {
        "id": event.event,
        "name": harmless(settings.name),
        "venue": harmless(event.venue_name),
        "address": harmless(event.venue_address),
        "starts_at_ms": settings.starts_at_ms,
        "timezone": settings.timezone,
    }


COMPOSER: Final = web.AppKey("composer of mails", NoticeComposer)
