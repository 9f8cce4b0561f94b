"""A watcher who comes back where it was, and complains of whatever does not fit."""

import asyncio
import itertools
import json
import random
from typing import Any

import aiohttp

Json = dict[str, Any]
VIOLATIONS_MAX = 20


class Watcher:
    """The board of one event, kept by the contract's rules alone."""

    def __init__(self, urls: list[str], event: str, number: int) -> None:
        self.urls = urls
        self.event = event
        self.number = number
        self.history_id = ""
        self.version = -1
        self.seats: list[str] = []
        self.areas: Json = {}
        self.resumed = 0
        self.violations: list[str] = []
        self._fresh = False

    @property
    def letters(self) -> str:
        return "".join(self.seats)

    def complain(self, sentence: str) -> None:
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(f"watcher {self.number} {sentence}")

    async def run(self, session: aiohttp.ClientSession, token: str) -> None:
        """Watch for ever; a lost connection is taken up again, at the next process."""
        first = self.number % len(self.urls)
        for url in itertools.cycle(self.urls[first:] + self.urls[:first]):
            try:
                async with session.ws_connect(
                    f"{url}/v1/ws",
                    headers={"Authorization": f"Bearer {token}"},
                    max_msg_size=0,
                ) as socket:
                    await self._watch(socket)
            except (aiohttp.ClientError, OSError):
                pass  # The server is down; that is what this run is about.
            await asyncio.sleep(random.uniform(0.02, 0.3))

    async def _watch(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        frame: Json = {"op": "watch", "id": 1, "event": self.event}
        if self.version >= 0:
            position = {"history_id": self.history_id, "version": self.version}
            frame["since"] = position
        await socket.send_str(json.dumps(frame))
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            told = json.loads(message.data)
            if told.get("id") == 1:
                if told["op"] != "ok":
                    return
                self.resumed += told["resumed"]
                self._fresh = told["resumed"]
            elif told["op"] == "snapshot":
                self._snapshot(told)
            elif told["op"] == "delta":
                self._delta(told)

    def _snapshot(self, told: Json) -> None:
        if told["history_id"] == self.history_id and told["version"] < self.version:
            self.complain(f"went from {self.version} back to {told['version']}")
        self.history_id, self.version = told["history_id"], told["version"]
        self.seats, self.areas = list(told["seats"]), dict(told["areas"])

    def _delta(self, told: Json) -> None:
        if told["from"] != self.version or told["to"] <= told["from"]:
            self.complain(
                f"stood at {self.version} and got {told['from']}-{told['to']}"
            )
        self.version = told["to"]
        for letter, indices in told["seats"].items():
            for index in indices:
                self.seats[index] = letter
        self.areas.update(told["areas"])
