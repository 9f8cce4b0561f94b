"""Changes of the line, which the line's own twin judges."""

from typing import Final

from inventory import commands
from inventory.changes import (
    EntrantsFixed,
    LineDrawn,
    LineFed,
    LineOpened,
    LineSet,
    LineTuned,
    PlaceLeft,
    PlaceLimited,
    PlacePaused,
    PlaceResumed,
    PresenceNoted,
    RoundPutOff,
    TurnEnded,
    TurnExtended,
    TurnGiven,
    TurnGranted,
    TurnsKept,
    WishesRecast,
    WishSet,
)

OF_LINE: Final = (
    LineOpened,
    RoundPutOff,
    EntrantsFixed,
    LineDrawn,
    LineFed,
    LineTuned,
    LineSet,
    PresenceNoted,
    PlacePaused,
    PlaceResumed,
    PlaceLeft,
    PlaceLimited,
    WishSet,
    WishesRecast,
    TurnGiven,
    TurnEnded,
    TurnExtended,
    TurnGranted,
    TurnsKept,
)
"""What the system does for lines, and what people ask of these."""

IN_TURN: Final = (
    *(commands.Hold, commands.HoldBest, commands.Extend, commands.OpenLine),
)
"""Commands that are refused for one reason until a time, and then for another."""
