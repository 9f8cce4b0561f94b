"""A Redis Cluster of each test file's own, whose masters may be killed."""

import contextlib
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis.crc import key_slot

from tests.cluster.conftest import PREFIX, START_S_MAX, RedisServer
from tests.cluster.ports import free_ports

SLOTS = 16_384


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_S_MAX
    while not condition():
        assert time.monotonic() < deadline, "no cluster comes about"
        time.sleep(0.01)


class Shards:
    """Three masters without replicas, each with a third of the slots."""

    def __init__(self, program: str | Path | None) -> None:
        first = free_ports(8)
        self.ports = range(first, first + 3)
        self._program = program
        self.nodes = [self._node(port) for port in self.ports]
        self._ids: list[Any] = []

    @property
    def url(self) -> str:
        return f"redis+cluster://127.0.0.1:{self.ports[0]}"

    def _node(self, port: int) -> RedisServer:
        options = {
            "port": str(port),
            "bind": "127.0.0.1",
            "cluster-enabled": "yes",
            "cluster-port": str(port + 4),
            "cluster-node-timeout": "1000",
            "repl-diskless-sync-delay": "0",
        }
        words = [(f"--{name}", value) for name, value in options.items()]
        return RedisServer(*itertools.chain(*words), program=self._program)

    def start(self) -> "Shards":
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            node.start()
            slots = range(SLOTS * number // 3, SLOTS * (number + 1) // 3)
            node.ask("CLUSTER", "ADDSLOTSRANGE", str(slots[0]), str(slots[-1]))
            # With different epochs from the start nobody has to settle a dispute.
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            self._ids.append(node.ask("CLUSTER", "MYID"))
        for port in self.ports[1:]:
            first.ask("CLUSTER", "MEET", "127.0.0.1", str(port), str(port + 4))
        until(lambda: all(len(self._map(node)) == 3 for node in self.nodes))
        return self

    def replica(self) -> RedisServer:
        """Add a replica of the first master, which takes over when that is lost."""
        port = self.ports[-1] + 1
        replica = self._node(port).start()
        self.nodes.append(replica)
        self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", str(port), str(port + 4))
        until(lambda: len(self._map(replica)) == 3)
        replica.ask("CLUSTER", "REPLICATE", self._ids[0])
        until(lambda: replica.info("replication").get("master_link_status") == "up")
        until(lambda: all(self._map(node)[0][3:] for node in self.nodes))
        return replica

    def _map(self, node: RedisServer) -> list[Any]:
        ranges = node.ask("CLUSTER", "SLOTS")
        assert isinstance(ranges, list)
        return sorted(ranges)

    def topics(self, number: int, count: int = 1) -> list[str]:
        """Give names of topics that are at this node from the beginning."""
        names = (f"topic {each}" for each in range(10_000))
        here = (name for name in names if self.slot(name) * 3 // SLOTS == number)
        return [next(here) for _ in range(count)]

    def slot(self, topic: str) -> int:
        return key_slot(f"{PREFIX}:{topic}".encode())

    def give(self, topic: str, source: int, target: int) -> None:
        """Give the slot of a topic to another node, as an operator does."""
        slot, id = str(self.slot(topic)), self._ids
        self.nodes[target].ask("CLUSTER", "SETSLOT", slot, "IMPORTING", id[source])
        self.nodes[source].ask("CLUSTER", "SETSLOT", slot, "MIGRATING", id[target])
        for node in (target, source):
            self.nodes[node].ask("CLUSTER", "SETSLOT", slot, "NODE", id[target])

    def remove(self) -> None:
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.callback(node.remove)
