"""What a supervisor and its workers tell each other."""

from msgspec import Struct

from server.base.instance import Instance
from server.base.settings import Config


class Job(Struct, frozen=True):
    """All that a worker has to know."""

    config: Config
    instance: Instance


class Ready(Struct, frozen=True, tag="ready"):
    """The worker serves."""

    process: str
    pid: int


class Failed(Struct, frozen=True, tag="failed"):
    """The worker cannot start; the sentence says why."""

    sentence: str
