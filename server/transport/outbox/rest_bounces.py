"""Mails that came back, told in a shape of no provider's own."""

from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct

from inventory.names import TEXT_PATTERN
from persistence.bounces import Bounce, Bounces
from server.transport.mail.addresses import EMAIL_LENGTH_MAX
from server.transport.rest.bodies import Body
from server.transport.rest.call import Call
from server.transport.rest.route import WRITES, Route

BOUNCES_MAX: Final = 500
BOUNCES: Final = web.AppKey("bounces", Bounces)

Email = Annotated[
    str, Meta(min_length=3, max_length=EMAIL_LENGTH_MAX, pattern=TEXT_PATTERN)
]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=TEXT_PATTERN)]


class BounceReport(Struct, forbid_unknown_fields=True):
    """What became of one mail, or that an address is well again."""

    email: Email
    kind: Literal["hard", "soft", "well"]
    """`hard` is for good, as for a mailbox that does not exist, or where somebody
    complained; `soft` may pass; `well` forgets what came back from the address."""
    id: Name
    """Tells it from others, as a Message-ID does: reported twice counts once."""


class BounceReports(Body):
    """What became of mails."""

    bounces: Annotated[list[BounceReport], Meta(min_length=1, max_length=BOUNCES_MAX)]


class Stopped(Struct):
    """Which of the reported addresses get no mail any more."""

    stopped: list[str]


async def report_bounces(call: Call) -> web.Response:
    """Take reports of mails that came back; the third hard one stops an address.

    Of one request what is well comes first.
    """
    # A second time is none: a report that is known counts once.
    body, store = await call.body(BounceReports), call[BOUNCES]
    well = {one.email for one in body.bounces if one.kind == "well"}
    if well:
        await store.clear(list(well))
    await store.note(
        [
            Bounce(one.email, one.id, one.kind == "hard")
            for one in body.bounces
            if one.kind != "well"
        ]
    )
    stopped = await store.stopped([one.email for one in body.bounces])
    return call.answer(Stopped(sorted(stopped)))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/v1/mail/bounces",
        handler=report_bounces,
        name="report_bounces",
        summary="Report mails that came back; three for good stop an address",
        tag="Operation",
        access="admin",
        body=BounceReports,
        answers=Stopped,
        keyed=True,
        problems=WRITES,
    ),
)
