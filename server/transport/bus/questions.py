"""Asks the other processes something, and gathers what they answer.

For what must be one answer of the whole server and is asked seldom. Who asks while the
same question is under way shares its answers: strangers who ask many times cost the
others no more than one who does.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct

from server.transport.bus.bus import Bus

QUESTIONS: Final = "questions"
WITHIN_S: Final = 1.0
"""How long the others are waited for."""

log = structlog.get_logger()


class Question(Struct, array_like=True, tag="?"):
    """Asks those who are named."""

    sender: str
    number: int
    about: str
    whom: list[str]


class Answer(Struct, array_like=True, tag="!"):
    """What one of them says."""

    sender: str
    number: int
    data: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Question | Answer).decode


class Questions:
    """The questions of one process, and its answers to those of others."""

    def __init__(self, bus: Bus, me: str) -> None:
        self._bus = bus
        self._me = me
        self._answers: dict[str, Callable[[], bytes]] = {}
        self._answers_of: dict[str, Callable[[str], bytes]] = {}
        self._number = 0
        self._heard: dict[int, tuple[set[str], asyncio.Queue[Answer]]] = {}
        self._asked: dict[tuple[str, ...], asyncio.Task[dict[str, bytes]]] = {}
        for topic in (QUESTIONS, _topic_of(me)):
            bus.subscribe(topic, self._hear, _nothing_to_do)

    def answer(self, about: str, say: Callable[[], bytes]) -> None:
        """Answer the questions about something from now on."""
        self._answers[about] = say

    def answer_of(self, kind: str, say: Callable[[str], bytes]) -> None:
        """Answer the questions `KIND SUBJECT` from now on, whatever the subject."""
        self._answers_of[kind] = say

    async def ask(self, about: str, whom: Iterable[str]) -> dict[str, bytes]:
        """Return what each of these processes says; those silent are missing."""
        asked = (about, *sorted(whom))
        if len(asked) == 1:
            return {}
        task = self._asked.get(asked)
        if task is None:
            task = asyncio.create_task(self._ask(about, asked[1:]), name="question")
            self._asked[asked] = task
            task.add_done_callback(lambda _: self._asked.pop(asked))
        # One who goes away does not take the answers from the others.
        return await asyncio.shield(task)

    async def _ask(self, about: str, whom: tuple[str, ...]) -> dict[str, bytes]:
        self._number += 1
        number, missing = self._number, set(whom)
        answers: asyncio.Queue[Answer] = asyncio.Queue(len(whom))
        self._heard[number] = (missing, answers)
        said: dict[str, bytes] = {}
        question = Question(self._me, number, about, list(whom))
        try:
            if not self._bus.publish(QUESTIONS, _encode(question)):
                return said
            with suppress(TimeoutError):
                async with asyncio.timeout(WITHIN_S):
                    while len(said) < len(whom):
                        answer = await answers.get()
                        said[answer.sender] = answer.data
        finally:
            del self._heard[number]
        return said

    def _hear(self, data: bytes) -> None:
        try:
            message = _decode(data)
        except msgspec.DecodeError:
            # Its sender waits in vain, and says so.
            log.debug("a question that nobody here understands")
            return
        if isinstance(message, Question):
            self._say(message)
            return
        missing, answers = self._heard.get(message.number, (set(), None))
        if answers is not None and message.sender in missing:
            missing.remove(message.sender)
            answers.put_nowait(message)

    def _say(self, question: Question) -> None:
        if self._me not in question.whom:
            return
        say = self._answers.get(question.about)
        if say is None:
            kind, _, subject = question.about.partition(" ")
            say_of = self._answers_of.get(kind)
            if say_of is None:
                return
            say = partial(say_of, subject)
        answer = Answer(self._me, question.number, say())
        self._bus.publish(_topic_of(question.sender), _encode(answer))


def _topic_of(process: str) -> str:
    return f"answers {process}"


def _nothing_to_do() -> None:
    """Nothing is done about what was lost: who asked waits no longer than it would."""


ASKING: Final = web.AppKey("questions", Questions)
