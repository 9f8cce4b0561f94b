"""The counter at which other processes ask for the events of this one.

Concurrency: one loop; nothing waits but the loading of an event. Answers of one turn of
the loop go to each asking process as one message.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import msgspec

from inventory.ports import BoardState, Envelope, Publication
from inventory.replies import Reply
from server.live.actors.registry import EventRegistry, LocalEvent
from server.live.cluster.messages import (
    Answered,
    Answers,
    Commands,
    Elsewhere,
    EventBeat,
    Forwarded,
    Published,
    Rates,
    State,
    WantRates,
    WantState,
    encode,
    event_topic,
    process_topic,
)
from server.live.fanout.hub import EventHub
from server.transport.bus.bus import Bus


class ForwardedEnvelope(Envelope, eq=False):
    """A command that another process forwarded."""

    number: int = 0
    sender: str = ""


class Broadcast:
    """Publishes what an actor of ours commits: to our watchers, then to the others.

    Implements `inventory.ports.Publisher`. While nobody else follows the event, nothing
    is sent: who begins to follow asks for the state, and that is heard here.
    """

    def __init__(self, hub: EventHub, bus: Bus, me: str) -> None:
        self.hub = hub
        self.followed = True
        self._bus = bus
        self._me = me
        self._topic = event_topic(hub.board.event)

    def publish(self, publication: Publication) -> None:
        """Give one publication to the watchers of every process."""
        self.hub.publish(publication)
        if self.followed:
            self._send(Published(publication))

    def reset(self, state: BoardState) -> None:
        """Replace the board of every process."""
        self.hub.reset(state)
        # Those who followed the former owner hear at once who has the event now.
        self.followed = True
        self._send(State(self._me, state))

    def beat(self) -> None:
        """Let followers notice what they missed."""
        board = self.hub.board
        if self.followed:
            self._send(
                EventBeat(
                    self._me,
                    board.event,
                    board.history_id,
                    board.epoch,
                    board.version,
                )
            )

    def _send(self, message: object) -> None:
        self._bus.publish(self._topic, encode(message), self._sent)

    def _sent(self, receivers: int | None) -> None:
        if receivers == 0:
            self.followed = False


class OwnerEndpoint:
    """Serves what other processes ask of our events."""

    def __init__(
        self,
        bus: Bus,
        me: str,
        registry: EventRegistry,
        own: Callable[[str], Awaitable[LocalEvent | None]],
    ) -> None:
        self.visits = 0
        self.closing = False
        """Nothing is loaded any more: whoever asks for it should ask elsewhere."""
        self.broadcasts: dict[str, Broadcast] = {}
        self._bus = bus
        self._me = me
        self._registry = registry
        self._own = own
        self._loop = asyncio.get_running_loop()
        self._taken: dict[str, int] = {}
        """The last command that each process sent us: each is taken once."""
        self._answers: dict[str, Answers] = {}
        self._loading: dict[str, list[ForwardedEnvelope]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._encode = msgspec.msgpack.Encoder().encode

    def broadcast(self, hub: EventHub) -> Broadcast:
        """Return what an actor of this event publishes to."""
        made = Broadcast(hub, self._bus, self._me)
        self.broadcasts[hub.board.event] = made
        return made

    def take(self, commands: Commands) -> None:
        """Give forwarded commands to our actors."""
        active = self._registry.active
        self.visits += len(commands.items)
        last = self._taken.get(commands.sender, 0)
        self._taken[commands.sender] = max(last, commands.items[-1].number)
        for item in commands.items:
            if item.number <= last:
                continue  # a second copy, or so late that nobody waits for it
            visitor = self._visitor(commands.sender, item)
            served = active.get(item.command.event)
            if isinstance(served, LocalEvent):
                served.offer(visitor)
            else:
                self._load_for(visitor)

    def tell_state(self, want: WantState) -> None:
        """Tell a follower how events stand; load those that nobody owns."""
        for event in want.events:
            served = self._registry.active.get(event)
            if isinstance(served, LocalEvent):
                self._tell(want.sender, served)
            else:
                self._spawn(self._load_and_tell(want.sender, event))

    def _tell(self, sender: str, served: LocalEvent) -> None:
        self.broadcasts[served.actor.event].followed = True
        state = State(self._me, served.board.state())
        self._bus.publish(process_topic(sender), encode(state))

    async def _load_and_tell(self, sender: str, event: str) -> None:
        served = await self._own(event)
        if served is not None:
            self._tell(sender, served)
        else:
            self._bus.publish(process_topic(sender), encode(Elsewhere(self._me, event)))

    def rates(self) -> list[tuple[str, float]]:
        """Return the commits per second of our events."""
        now = self._loop.time()
        return [
            (served.actor.event, served.board.commits_per_s(now))
            for served in self._registry.owned()
        ]

    def tell_rates(self, want: WantRates) -> None:
        """Tell another process how busy our events are."""
        self._bus.publish(process_topic(want.sender), encode(Rates(self.rates())))

    def beat(self) -> None:
        """Tell all followers where our events stand."""
        for served in self._registry.owned():
            self.broadcasts[served.actor.event].beat()

    def forget(self, process: str) -> None:
        """Forget a process that is gone."""
        self._taken.pop(process, None)

    def is_followed(self, event: str) -> bool:
        """Return whether somebody may follow an event of ours: a beat tells."""
        made = self.broadcasts.get(event)
        return made is not None and made.followed

    def drop(self, event: str) -> None:
        """Forget an event that is ours no more."""
        self.broadcasts.pop(event, None)

    def _visitor(self, sender: str, item: Forwarded) -> ForwardedEnvelope:
        visitor = ForwardedEnvelope(
            item.command,
            item.user,
            item.organizer,
            self._reply,
            item.command.key,
            item.request_hash,
            item.size,
            item.origin,
            item.system,
        )
        visitor.sender, visitor.number = sender, item.number
        return visitor

    def _reply(self, envelope: Envelope, reply: Reply) -> None:
        """Send the reply of an actor of ours back to where the command is from."""
        assert isinstance(envelope, ForwardedEnvelope)
        answered = Answered(envelope.number, msgspec.Raw(self._encode(reply)))
        self._answers_for(envelope).items.append(answered)

    def _answers_for(self, visitor: ForwardedEnvelope) -> Answers:
        """Return the message that goes to the command's process after this turn."""
        answers = self._answers.get(visitor.sender)
        if answers is None:
            if not self._answers:
                self._loop.call_soon(self._flush)
            answers = self._answers[visitor.sender] = Answers([], [])
        return answers

    def _flush(self) -> None:
        answers, self._answers = self._answers, {}
        for sender, message in answers.items():
            self._bus.publish(process_topic(sender), encode(message))

    def _load_for(self, visitor: ForwardedEnvelope) -> None:
        """Load an event that others believe is ours, or tell them that it is not."""
        if self.closing:
            self._answers_for(visitor).misdirected.append(visitor.number)
            return
        event = visitor.command.event
        waiting = self._loading.get(event)
        if waiting is not None:
            waiting.append(visitor)
            return
        self._loading[event] = [visitor]
        self._spawn(self._load(event))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, event: str) -> None:
        served = await self._own(event)
        for visitor in self._loading.pop(event):
            if served is None:
                self._answers_for(visitor).misdirected.append(visitor.number)
            else:
                served.offer(visitor)
