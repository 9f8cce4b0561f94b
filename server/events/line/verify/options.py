"""What somebody who checks a transcript has beside it."""

from msgspec import Struct

from inventory.line.draw import Statement
from server.events.audit.receipts import PublicKey
from server.events.line.beacon.relays import RoundAnswer


class Frame(Statement, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The frame `line_fixed` as a page got it."""

    op: str
    signature: str

    def statement(self) -> Statement:
        """Return what is signed."""
        return Statement(
            at_ms=self.at_ms,
            commitment=self.commitment,
            draw=self.draw,
            entries=self.entries,
            event=self.event,
            root=self.root,
            round=self.round,
            round_at_ms=self.round_at_ms,
        )


class Witness(Struct, frozen=True, forbid_unknown_fields=True):
    """That the list was told, and when it arrived by the clock of a page."""

    arrived_ms: int
    frame: Frame


class Options(Struct, frozen=True, kw_only=True):
    """What is known beside a transcript; nothing of it has to be."""

    key: PublicKey | None = None
    """The server's key. Without it the one that the transcript names is believed."""
    place: str | None = None
    """A place, an entry's id or a stub."""
    beacon: RoundAnswer | None = None
    """What a relay answered."""
    chain: str | None = None
    """The beacon that is believed beside quicknet."""
    witness: Witness | None = None
