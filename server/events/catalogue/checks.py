"""What is wrong with a new event or an edit, as its venue, itself and the clock tell.

What the types and the fields of a body tell comes first; all of it is answered at once.
"""

from collections.abc import Collection

from msgspec import UNSET

from inventory.faults import Faults
from inventory.rules.settings import merged, patched_faults
from inventory.settings import Settings, SettingsPatch
from inventory.venue.own import capacity_map
from persistence.events.rows import EventRow
from persistence.events.venue_times import VenueTaken
from server.base.refusals.refusals import NamedEvent
from server.events.catalogue.bodies import (
    TIMES,
    EventCreate,
    new_faults,
    patch_faults,
)
from server.events.catalogue.problems import VENUE_TAKEN
from server.live.actors.registry import CATALOG
from server.live.fanout.board import Board
from server.people.organisations.membership import MEMBERSHIPS
from server.transport.http.app_keys import CLOCK
from server.transport.http.problems import ProblemError
from server.transport.rest.bodies import add_all, refuse
from server.transport.rest.call import Call

Categories = tuple[Collection[str] | None, Collection[str]]
"""Those of a venue, or None where nobody knows it; and those that need a price."""


async def categories_of(
    call: Call, body: EventCreate, settings: Settings, found: Faults
) -> Categories:
    """Return the categories that a new event has; adds where its venue is unknown."""
    if found.is_faulty("venue") or found.is_faulty("capacity"):
        return None, ()
    if body.venue is None:
        categories = {one.key for one in capacity_map(body.capacity or 0).categories}
        return categories, categories
    catalog = call[CATALOG]
    venue = await catalog.find_venue(body.venue)
    if venue is None:
        found.add("venue", "There is no such venue.")
        return None, ()
    categories = {category.key for category in venue.categories}
    if settings.prices and categories - set(settings.prices):
        # A category that nothing is of needs no price; only the map tells.
        return categories, await catalog.used_categories(body.venue)
    return categories, categories


async def refuse_new(
    call: Call,
    event: str,
    settings: Settings,
    categories: Categories,
    found: Faults,
    unknown: Collection[str],
) -> None:
    """Raise for what is wrong with a new event, unless this request made it before.

    The same request under its key gets its answer again, though it is past by now.
    Nobody was told anything for a body that was wrong from the beginning.
    """
    readable = not found
    now_ms = call[CLOCK].now_ms()
    add_all(found, new_faults(settings, *categories, now_ms, unknown))
    replayed = found and readable and call.key is not None
    if not replayed or await call[CATALOG].find_event(event) is None:
        refuse(found)


def refuse_edit(
    board: Board, row: EventRow, patch: SettingsPatch, found: Faults
) -> None:
    """Raise for what is wrong with an edit whatever the event is set to by now.

    Where anything is, what its actor would refuse is told as well. It is asked alone
    where nothing is: only it knows whether it has answered this request before.
    """
    if patch.capacity is not UNSET and row.venue:
        found.add("capacity", "The places of a venue stay as they are drawn.")
    venue = board.venue
    add_all(found, patch_faults(patch, venue.categories))
    if not found:
        return
    settings = board.settings
    more = patched_faults(
        settings,
        merged(settings, patch),
        patch,
        venue.categories,
        venue.used_categories,
        unknown_times(found),
    )
    add_all(found, more)
    refuse(found)


async def taken_by(call: Call, taken: VenueTaken) -> ProblemError:
    """Return the problem for a venue that another event has.

    The other one is named where the caller may see it.
    """
    if (
        taken.event is None
        or (row := await call[CATALOG].find_event(taken.event)) is None
    ):
        return ProblemError(VENUE_TAKEN)
    settings = row.settings
    state = settings.sale_state
    if await call[MEMBERSHIPS].is_hidden(
        call.identity, row.organisation, row.created_by, state
    ):
        return ProblemError(VENUE_TAKEN)
    detail = f"{settings.name} has the venue at that time."
    other = NamedEvent(row.event, settings.name)
    return ProblemError(VENUE_TAKEN, detail, event=other)


def unknown_times(found: Faults) -> set[str]:
    """Return the times of a body that are given, but not as times."""
    return {field for field in TIMES if found.is_faulty(field)}
