"""What people are told: in the application, by mail, and on open pages."""

from typing import Final

from persistence.people.notices.notices import Notices, forget_notices
from persistence.people.notices.rounds import Rounds
from server.live.actors.registry import CATALOG
from server.live.fanout.hub import HUB
from server.live.followers.followers import FOLLOWERS
from server.people.notices.composer import COMPOSER, NoticeComposer
from server.people.notices.examples import EXAMPLES
from server.people.notices.follower import KINDS, NoticeFollower
from server.people.notices.job import EVERY_S as ROUNDS_S
from server.people.notices.job import RoundsJob
from server.people.notices.news import EVERY_S, NewNotices, NoticeNews
from server.people.notices.rest import NOTICES as STORE
from server.people.notices.rest import ROUTES
from server.transport.bus.open import BUS
from server.transport.capability.capability import Capability, Startup
from server.transport.jobs.scheduler import JOBS
from server.transport.mail.sender import MAIL_SENDER

FORGET_S: Final = 3_600.0


async def _open(startup: Startup) -> None:
    composer = NoticeComposer(startup[CATALOG], startup.settings.public_url)
    startup[COMPOSER] = startup[MAIL_SENDER].composer = composer
    startup[STORE] = store = Notices(startup.pool)
    news = NewNotices(store, startup[BUS], startup[HUB])
    jobs = startup[JOBS]
    jobs.every("new notices", EVERY_S, news.tell)
    rounds = Rounds(startup.pool)
    job = RoundsJob(rounds, startup.settings.reminder_hours)
    jobs.every("notices to holders", ROUNDS_S, job.run)

    async def forget() -> None:
        await store.forget()
        await rounds.forget()

    jobs.every("old notices", FORGET_S, forget)


async def _follow(startup: Startup) -> None:
    follower = NoticeFollower(startup.settings.public_url)
    startup[FOLLOWERS].add(follower, KINDS, after="tickets")


NOTICES: Final = Capability(
    name="notices",
    open=_open,
    routes=ROUTES,
    tells=(NoticeNews,),
    erase=(forget_notices,),
    tags={
        "Notices": """\
What somebody is told: that an order is confirmed or cancelled, money on its way back,
an event at another time or cancelled, and what begins soon. Each comes once, here and
by mail, in the language that the order's buyer named; the frame `notice` tells of it on
the websocket a moment later.""",
    },
    examples=EXAMPLES,
)
CONFIRMING: Final = Capability(name="confirmations", open=_follow)
"""Opened after what makes tickets, which it comes after."""
