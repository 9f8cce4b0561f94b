"""What the load generator is told, and what it tells: the messages between them."""

from msgspec import Struct


class Plan(Struct, kw_only=True, frozen=True):
    """The part of a run that one process of the load generator does."""

    url: str
    tokens: list[str]
    """One for each connection of this process."""

    path: str = ""
    """What to read over REST, in place of holding seats."""

    changing: bool = False
    """The answer may be another one each time."""

    connections: int
    """Of all processes."""

    first: int = 0
    """Number of this process's first connection among them."""

    events: list[str]
    side_by_side: bool = False
    """Each command goes to another event; else one is sold out after the other."""

    seats_per_event: int
    seats_per_hold: int = 2
    in_flight: int = 1
    rate: float | None = None
    """Commands per second of all processes, whether or not the server keeps up; without
    it the loop is closed: a connection sends its next command when it has an answer."""

    process: int = 0
    processes: int = 1
    warmup_s: float = 2.0
    seconds: float = 8.0
    patience_s: float
    """How long the last replies may take."""

    keys: bool = False
    holds_max: int | None = None
    """Generate no more frames than this, over all processes."""

    echo: bool = False
    """The right answer is the very frame that was sent."""

    samples: str
    """File for what was measured: see `bench.samples`."""


class Connected(Struct, kw_only=True):
    """All connections are open."""

    connections: int


class Go(Struct, kw_only=True, frozen=True):
    """Begin at this moment of the machine's monotonic clock."""

    at: float


class Taken(Struct, kw_only=True):
    """What one process of the load generator has done; the rest is in its samples."""

    begin: float
    end: float
    due: int = 0
    """Commands that the schedule had for this process."""

    sent: int
    accepted_total: int
    refused: dict[str, int]
    faults: dict[str, int]
    lag_p99_ms: float = 0.0
    """How much later than the schedule says a command was sent."""

    lag_max_ms: float = 0.0
    sold_out: bool = False
    reply_bytes: int = 0


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


class Curves(Struct, kw_only=True, frozen=True):
    """How one run went, as points to draw; seconds count from the window's begin."""

    latency: list[tuple[float, float]] = []
    """Share of the commands, and the latency in ms that they stayed within."""

    per_second: list[tuple[float, float]] = []
    sold: list[tuple[float, float]] = []
    """Seats taken so far."""

    batch: list[tuple[float, float]] = []
    """Commands per commit."""

    cpu: dict[str, list[tuple[float, float]]] = {}
    """Cores in use, by whom."""

    memory: list[tuple[float, float]] = []
    """MiB of the server."""


class Figures(Struct, kw_only=True):
    """What one run showed; milliseconds count from the time a command was due."""

    rate: float | None = None
    """What was asked for; without it the loop was closed."""

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
    p90_ms: float
    p99_ms: float
    p999_ms: float
    p9999_ms: float
    max_ms: float
    """These are not a number where the generator was too slow to tell."""

    lag_p99_ms: float = 0.0
    lag_max_ms: float = 0.0
    refusal: str = ""
    """Why the generator does not vouch for the latencies."""

    cpu: Cpu
    busiest: float = 0.0
    """How much of one core the busiest process of the generator used."""

    sold_out: bool
    """Some connection had bought all its seats before the window was over."""

    reply_bytes: int
    """Length of a typical reply."""

    def cpu_us(self, seconds: float) -> float:
        """CPU time per accepted command, in microseconds."""
        return seconds / self.accepted * 1e6 if self.accepted else 0.0

    @property
    def generator_share(self) -> float:
        """How much of a core the load generator used."""
        return self.cpu.generator / self.window_s if self.window_s else 0.0
