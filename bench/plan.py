"""What the load generator is told, and what it tells: the two messages between them."""

from msgspec import Struct


class Plan(Struct, kw_only=True, frozen=True):
    """One run of the load generator."""

    url: str
    tokens: list[str]
    """One per connection, which is as many connections as there are tokens."""

    events: list[str]
    """Sold out one after the other."""

    seats_per_event: int
    seats_per_hold: int = 2
    in_flight: int = 1
    warmup_s: float = 2.0
    seconds: float = 8.0
    patience_s: float
    """How long the last replies may take."""

    keys: bool = False
    holds_max: int | None = None
    """Generate no more frames than this."""

    echo: bool = False
    """The right answer is the very frame that was sent."""

    server_pids: list[int] = []
    store_pids: list[int] = []


class Cpu(Struct, frozen=True):
    """CPU seconds used within the measured window."""

    server: float
    store: float
    generator: float
    machine: float
    """By everything on this machine, other work included."""

    @property
    def others(self) -> float:
        """By work that has nothing to do with the measurement."""
        return max(0.0, self.machine - self.server - self.store - self.generator)


class Figures(Struct, kw_only=True):
    """What one run showed."""

    window_s: float
    sent: int
    accepted: int
    """In the measured window."""

    accepted_total: int
    refused: dict[str, int]
    faults: dict[str, int]
    """Whatever must not happen, by kind: a run with any of it counts for nothing."""

    per_second: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    cpu: Cpu
    sold_out: bool
    """Some connection had bought all its seats before the window was over."""

    reply_bytes: int
    """Length of a typical reply."""

    def cpu_us(self, seconds: float) -> float:
        """CPU time per accepted command, in microseconds."""
        return seconds / self.accepted * 1e6 if self.accepted else 0.0

    @property
    def generator_share(self) -> float:
        """How much of one core the load generator used."""
        return self.cpu.generator / self.window_s if self.window_s else 0.0
