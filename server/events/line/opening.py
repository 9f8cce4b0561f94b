"""Opens lines: what is promised is written down, journaled, and then anybody may join.

Each step is done once, whoever does it and however often: a process that dies in the
middle leaves a line that nobody can join yet, and whoever comes next goes on.
"""

import hmac
import secrets
from typing import Final

from aiohttp import web
from msgspec import structs

from inventory.commands import OpenLine
from inventory.line import draw
from inventory.line.draw import Beacon, Rules
from inventory.ports import Clock
from inventory.replies import Refused
from inventory.settings import Settings
from persistence.events.line.lines import LineRow, Lines, NewLine
from server.base.refusals.refusals import CommandRefused, Refusal
from server.events.catalogue.service import FoundEvent
from server.events.line.beacon.beacons import Beacons
from server.events.line.rules import first_phase, mode_of, opens_ms, terms_of
from server.live.actors.registry import ask

SEED: Final = b"onsale line seed 1\n"
SEED_BYTES: Final = 32
FIRST_DRAW: Final = 1


class LineOpening:
    """Opens lines. Raises `Unavailable`, and `Refusal`.

    `secret` is what seeds are derived from, so that none is stored before it is told.
    """

    def __init__(
        self, lines: Lines, clock: Clock, secret: str | None, beacons: Beacons
    ) -> None:
        self._lines = lines
        self._clock = clock
        self._beacons = beacons
        self._secret = None if secret is None else secret.encode()

    async def open(self, event: FoundEvent) -> LineRow:
        """Open the line of an event, or return the one that is open or was."""
        row = await self._lines.find(event.id)
        if row is None:
            row = await self._lines.begin(await self._new(event, FIRST_DRAW))
        if row.phase == "opening":
            await self._journal(event, row)
            row = await self._lines.move(row, first_phase(row.mode))
        return row

    async def restart(self, event: FoundEvent) -> LineRow:
        """Open another draw with its own commitment, for all who had no turn.

        The event refuses it from when the round is out until the line is drawn: what
        came out is not thrown away.
        """
        row = await self._lines.find(event.id)
        if row is None or row.phase == "opening":
            raise Refusal("line_not_open")
        if row.mode != "draw" or terms_of(event.board.settings).mode != "draw":
            raise Refusal("wrong_state", "Nothing is drawn in this line.")
        new = await self._lines.find_next(event.id)
        if new is None:
            made = await self._new(event, row.draw + 1)
            new = await self._lines.note_next(made)
        former = self.seed_of(row) if row.line_hash is None else None
        try:
            await self._ask(event, new, None, former)
        except CommandRefused as refused:
            if not refused.refused.transient:
                await self._lines.forget_next(new)
            raise
        return await self._lines.restart(new)

    def seed_of(self, row: LineRow) -> bytes:
        """Return the seed of a draw. Raises `Refusal` where that is not to be had."""
        seed = row.seed or self._derived(row.event_id, row.draw)
        if seed is None or draw.commitment_of(seed, row.rules_hash) != row.commitment:
            raise Refusal("wrong_state", "The line was opened with another secret.")
        return seed

    def _derived(self, event: str, number: int) -> bytes | None:
        if self._secret is None:
            return None
        named = SEED + event.encode() + b"\n" + str(number).encode()
        return hmac.digest(self._secret, named, "sha256")

    async def _new(self, event: FoundEvent, number: int) -> NewLine:
        settings = event.board.settings
        if mode_of(settings) is None:
            raise Refusal("line_not_open")
        name, beacon = terms_of(settings).beacon, None
        if name is not None and mode_of(settings) == "draw":
            beacon = await self._beacons.named(name)
        rules = rules_for(event.id, number, settings, self._clock.now_ms(), beacon)
        wrong = draw.fault_of(rules)
        if wrong is not None:
            raise Refusal("wrong_state", f"This line cannot be opened: {wrong}.")
        derived = self._derived(event.id, number)
        seed = secrets.token_bytes(SEED_BYTES) if derived is None else derived
        rules_hash = draw.rules_hash_of(rules)
        new = NewLine(
            event.id,
            number,
            rules.mode,
            draw.text_of(rules).decode(),
            rules_hash,
            draw.commitment_of(seed, rules_hash),
            seed,
        )
        if rules.mode == "draw":
            # Where it is derived it is nowhere until it is told.
            return new if derived is None else structs.replace(new, seed=None)
        root = draw.entrants_root(())
        return structs.replace(
            new,
            root=root,
            entries=0,
            order_key=draw.key_of(seed, root, draw.NO_RANDOMNESS, rules_hash),
            line_hash=draw.line_hash_of(()),
        )

    async def _journal(self, event: FoundEvent, row: LineRow) -> None:
        """Have the event publish the opening, once."""
        told = self.seed_of(row) if row.mode != "draw" else None
        await self._ask(event, row, told, None)

    async def _ask(
        self,
        event: FoundEvent,
        new: LineRow | NewLine,
        seed: bytes | None,
        former_seed: bytes | None,
    ) -> None:
        command = OpenLine(
            id=0,
            event=event.id,
            draw=new.draw,
            rules=new.rules,
            commitment=new.commitment,
            seed=seed,
            former_seed=former_seed,
        )
        key = f"open line {new.draw}"
        reply = await ask(event.local, command, "", False, key, system=True)
        if isinstance(reply, Refused):
            raise CommandRefused(reply)


def rules_for(
    event: str, number: int, settings: Settings, now_ms: int, beacon: Beacon | None
) -> Rules:
    """Return what a draw of an event's line promises, as it is set now."""
    terms = terms_of(settings)
    opens_at_ms = opens_ms(settings, now_ms)
    closes_at_ms = first = None
    if terms.mode == "draw" and opens_at_ms is not None:
        closes_at_ms = opens_at_ms - 1_000 * terms.closes_before_s
    if beacon is not None and closes_at_ms is not None:
        first = draw.first_round(beacon, closes_at_ms + 1_000 * terms.fix_within_s)
    return Rules(
        beacon=beacon,
        beacon_wait_s=terms.beacon_wait_s,
        closes_at_ms=closes_at_ms,
        draw=number,
        event=event,
        fix_within_s=terms.fix_within_s,
        mode=terms.mode,
        offer_s=min(terms.offer_s, settings.hold_ttl_s),
        opens_at_ms=opens_at_ms,
        round=first,
        serve_away=terms.serve_away,
        turn_s=terms.turn_s,
        without_beacon="seed_only" if beacon is None else terms.without_beacon,
    )


LINE_OPENING: Final = web.AppKey("line opening", LineOpening)
