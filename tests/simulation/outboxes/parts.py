"""What tells people and machines in one process: what ships, over simulated tables."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

import persistence.mail as mail
import persistence.people.hooks.deliveries as deliveries
import persistence.people.notices.notices as notices
import persistence.people.notices.rounds as rounds
import server.people.hooks.sender as hook_sender
import server.people.notices.follower as notice_follower
import server.shop.hooks.follower as hook_follower
import server.transport.mail.sender as mail_sender
from inventory.settings import Money
from persistence.journal.stretches import marks_of
from persistence.people.hooks.deliveries import Deliveries, Message, TakenHook
from persistence.people.notices.notices import Notices
from persistence.people.notices.rounds import Rounds
from persistence.shop.confirmations import BoughtTicket, Confirmed
from server.people.hooks.secret_box import SecretBox
from server.people.hooks.sender import HookSender
from server.people.notices.follower import NoticeFollower
from server.people.notices.job import RoundsJob
from server.people.notices.news import NewNotices
from server.shop.hooks.follower import HookFollower
from server.transport.mail.composed import Composed
from server.transport.mail.sender import MailSender, Refused
from tests.simulation.orders.house import HOUSE
from tests.simulation.outboxes.receivers import Sending

if TYPE_CHECKING:
    from tests.simulation.orders.tables import SimPool, Transaction
    from tests.simulation.process import Process

SEND_S: Final = 0.5
ROUNDS_S: Final = 1.0
HOOK_S_MAX: Final = 1.0
"""How long a receiver may take."""

LEASE_S: Final = 4.0
URL: Final = "smtp://post:25"


class Outboxes:
    """The senders and jobs of one process, and what an administrator does there."""

    def __init__(self, process: "Process", pool: "SimPool") -> None:
        self.world = process.world
        self.process = process
        of_pool: Any = pool
        self.outbox = mail.Outbox(of_pool)
        self.mails = SimMailSender(process, self.outbox)
        self.deliveries = Deliveries(of_pool)
        self.hooks = SimHookSender(process, self.deliveries)
        self.rounds = RoundsJob(Rounds(of_pool), 0)
        bus: Any = NewsBus(self)
        hub: Any = None
        self.news = NewNotices(Notices(of_pool), bus, hub)

    def start(self) -> None:
        """Do again and again what jobs do."""
        again = self.process.shop.again
        for every_s, work in (
            (SEND_S, self.mails.send_due),
            (SEND_S, self.hooks.begin),
            (ROUNDS_S, self.rounds.run),
            (ROUNDS_S, self.news.tell),
            (ROUNDS_S, self.deliveries.forget),
        ):
            self.process.spawn(again(every_s, work))

    async def replay(self, names: Sequence[str]) -> None:
        """Let dead letters go again."""
        for name in names:
            if name.startswith("mail_"):
                await self.outbox.replay(name)
            else:
                # A request of its own each time.
                request = f"rep_{self.world.scheduler.now}"
                await self.deliveries.replay(HOUSE, name, request)


class NewsBus:
    """Stands for the bus by which open pages hear; it is told of a notice once."""

    def __init__(self, parts: Outboxes) -> None:
        self._world = parts.world

    def subscribe(self, *_: object) -> None:
        """Hear nothing: pages are no part of this."""

    def publish(self, topic: str, data: bytes) -> None:
        pages = self._world.receivers.pages
        for _, news in msgspec.msgpack.decode(data):
            if news["notice"] in pages:
                self._world.violate(f"{news} is told again")
            pages.add(news["notice"])


class Words:
    """Stands for `NoticeComposer`: a mail says what it is to tell."""

    async def compose(self, mail: mail.TakenMail) -> Composed:
        return Composed(f"{mail.kind}", str(mail.data), "")


class SimMailSender(MailSender):
    """Hands mails to the simulated post."""

    def __init__(self, process: "Process", outbox: mail.Outbox) -> None:
        super().__init__(outbox, URL, "shop@example.org")
        self._world = process.world
        self.composer = Words()

    async def _deliver(
        self, client: Any, mail: mail.TakenMail, composed: Composed | None
    ) -> None:
        receivers = self._world.receivers
        said = receivers.answer("mail", mail.recipient)
        slow_s = 6.0 if said == "silent" else 0.1
        await asyncio.sleep(slow_s * receivers.random.random())
        if said == "no":
            raise Refused("550 no")
        if said in ("later", "silent"):
            raise ConnectionError("451 later")
        assert composed is not None
        content = f"{mail.recipient} {composed.subject} {composed.text}"
        receivers.take_mail(mail.mail_id, content)
        if mail.data.get("side") == "offered":
            self._world.passing.hear(mail.recipient, mail.data)
        if said == "slow":
            await asyncio.sleep(6.0 * receivers.random.random())
        if said == "lost":
            raise ConnectionError("the answer is lost")


class SimHookSender(HookSender):
    """Hands messages of hooks to the simulated receivers."""

    def __init__(self, process: "Process", store: Deliveries) -> None:
        super().__init__(store, SecretBox([]), private=True, send_s=HOOK_S_MAX)
        self._process = process
        self._until: dict[str, Any] = {}

    async def _send_all(self, hook: TakenHook) -> None:
        self._until[hook.hook_id] = hook.taken_until
        await super()._send_all(hook)

    async def _post(
        self, url: str, secrets: Sequence[bytes], message: Message, body: bytes
    ) -> tuple[int, float]:
        receivers = self._process.world.receivers
        sending = Sending(self._process, self._until[url])
        receivers.begin(url, message.delivery_id, sending)
        try:
            return await self._answered(url, message, body)
        finally:
            receivers.sending[url].remove(sending)

    async def _answered(
        self, url: str, message: Message, body: bytes
    ) -> tuple[int, float]:
        receivers = self._process.world.receivers
        said = receivers.answer("hook", url)
        await asyncio.sleep(0.1 * receivers.random.random())
        if said in ("no", "later", "gone"):
            status = {"no": 500, "later": 429, "gone": 410}[said]
            return status, 1.0 if said == "later" else 0.0
        if said == "silent":
            await asyncio.sleep(5 * HOOK_S_MAX)
        receivers.take_hook(url, message.delivery_id, body.decode())
        if said == "slow":
            await asyncio.sleep(1.5 * HOOK_S_MAX * receivers.random.random())
        if said == "lost":
            raise ConnectionResetError("the answer is lost")
        return 204, 0.0


class Settings:
    """What a confirmation says of an event."""

    starts_at_ms = 0
    timezone = "UTC"
    payment = "none"


class Event:
    """Stands for an `EventRow`."""

    settings = Settings()

    def __init__(self, event: str) -> None:
        self.event = event


async def read_event(connection: "Transaction", event: str) -> Event:
    return Event(event)


async def read_confirmed(
    connection: "Transaction", bookings: Sequence[tuple[str, str | None]]
) -> list[Confirmed]:
    """Return what those are told who booked: orders' buyers have an address here."""
    found = []
    for booking, name in bookings:
        row = connection.tables.rows.get(name or "")
        if row is None:
            continue
        state = row.stored.state
        if booking in connection.tables.world.database.head(state.event).cancelled:
            continue
        tickets = [
            BoughtTicket(one.ticket, one.number, one.label)
            for one in connection.tickets.tickets.values()
            if one.booking == booking and one.state != "revoked"
        ]
        confirmed = Confirmed(
            booking=booking,
            order=name,
            user=row.stored.user,
            recipient=row.stored.buyer.email,
            reference=row.stored.reference,
            lines=[],
            total=Money(state.total, "EUR"),
            tickets=tickets,
        )
        found.append(confirmed)
    return found


async def put_links(connection: "Transaction", links: object) -> None:
    """Store no links: nobody opens an order elsewhere here."""


def followers() -> list[tuple[Any, int]]:
    """Return what follows sales after tickets, and marks of what they follow."""
    told = NoticeFollower(None), marks_of(notice_follower.KINDS)
    return [told, (HookFollower(), marks_of(hook_follower.KINDS))]


class Times:
    """Stands for `time`: that of the loop."""

    @staticmethod
    def monotonic() -> float:
        return asyncio.get_running_loop().time()

    time = monotonic


class Dice:
    """Stands for `random`."""

    @staticmethod
    def uniform(least: float, most: float) -> float:
        loop: Any = asyncio.get_running_loop()
        drawn: float = loop.world.receivers.random.uniform(least, most)
        return drawn


class Loud:
    """What senders say; what they did not expect is a violation."""

    def info(self, *_: object, **__: object) -> None:
        """Say nothing."""

    warning = info

    def error(self, sentence: str, **of: object) -> None:
        loop: Any = asyncio.get_running_loop()
        loop.world.violate(f"{sentence}: {of}")


PATCHES: Final[tuple[tuple[Any, str, Any], ...]] = (
    (mail, "TAKEN_S", 3.0),
    (mail, "BACKOFF_S_MIN", 0.5),
    (mail, "BACKOFF_S_MAX", 2.0),
    (mail_sender, "BATCH_S_MAX", 1.5),
    (mail_sender, "time", Times),
    (mail_sender, "log", Loud()),
    (notices, "MAIL_LASTS_S", 25),
    (rounds, "SLICE", 3),
    (deliveries, "LEASE_S", LEASE_S),
    (deliveries, "MESSAGES_MAX", 4),
    (deliveries, "LIFE_S", 25),
    (hook_sender, "WAITS_S", (0.3, 0.6, 1.0, 2.0)),
    (hook_sender, "REST_S", 0.5),
    (hook_sender, "REST_S_MAX", 2.0),
    (hook_sender, "BATCH_S_MAX", LEASE_S - 2 * HOOK_S_MAX),
    (hook_sender, "time", Times),
    (hook_sender, "random", Dice),
    (hook_sender, "log", Loud()),
    (notice_follower, "read_event", read_event),
    (notice_follower, "read_confirmed", read_confirmed),
    (notice_follower, "put_links", put_links),
)
"""What stands here instead, and the same rules on shorter clocks."""
