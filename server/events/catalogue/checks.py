"""What is wrong with a new event or an edit, as its venue, itself and the clock tell.

What the types and the fields of a body tell comes first; all of it is answered at once.
"""

from collections.abc import Collection, Iterable

from msgspec import UNSET

from inventory.faults import Faults
from inventory.replies import Fault
from inventory.rules.settings import merged, patched_faults
from inventory.settings import Settings, SettingsPatch
from inventory.venue.own import capacity_map
from persistence.events.catalog import Catalog
from persistence.events.rows import EventRow
from persistence.events.venue_times import VenueTaken
from server.base.identity import Identity
from server.base.refusals.refusals import NamedEvent, Refusal, add_faults, refuse_faults
from server.events.catalogue.bodies import TIMES, EventCreate, patch_faults
from server.events.catalogue.problems import VENUE_TAKEN
from server.live.fanout.board import Board
from server.people.organisations.membership import Memberships

Categories = tuple[Collection[str] | None, Collection[str]]
"""Those of a venue, or None where nobody knows it; and those that need a price."""


async def categories_of(
    catalog: Catalog, body: EventCreate, settings: Settings, found: Faults
) -> Categories:
    """Return the categories that a new event has; adds where its venue is unknown."""
    if found.is_faulty("venue") or found.is_faulty("capacity"):
        return None, ()
    if body.venue is None:
        categories = {one.key for one in capacity_map(body.capacity or 0).categories}
        return categories, categories
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
    catalog: Catalog,
    event: str,
    wrong: Iterable[Fault],
    found: Faults,
    *,
    keyed: bool,
) -> None:
    """Raise `Refusal` for what is `wrong` with a new event, unless it was made before.

    The same request under its key gets its answer again, though it is past by now.
    Nobody was told anything for values that were wrong from the beginning, which are
    `found` already.
    """
    readable = not found
    add_faults(found, wrong)
    replayed = found and readable and keyed
    if not replayed or await catalog.find_event(event) is None:
        refuse_faults(found)


async def refuse_place(
    catalog: Catalog,
    memberships: Memberships,
    who: Identity,
    key: str | None,
    event: str,
    venue: str | None,
    organisation: str | None,
) -> None:
    """Raise `Denied` for a venue whose owner lets others plan, but not these.

    What this request made before, under its key, is told again.
    """
    found = None if venue is None else await catalog.find_venue(venue)
    if found is None or not found.exclusive:
        return
    try:
        await memberships.require_planner(who, found, organisation)
    except Refusal:
        if key is None or await catalog.find_event(event) is None:
            raise


def refuse_edit(
    board: Board, row: EventRow, patch: SettingsPatch, found: Faults
) -> None:
    """Raise `Refusal` for what is wrong with an edit, whatever the event is set to.

    Where anything is, what its actor would refuse is told as well. It is asked alone
    where nothing is: only it knows whether it has answered this request before.
    """
    if patch.capacity is not UNSET and row.venue:
        found.add("capacity", "The places of a venue stay as they are drawn.")
    venue = board.venue
    add_faults(found, patch_faults(patch, venue.categories))
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
    add_faults(found, more)
    refuse_faults(found)


async def taken_by(
    catalog: Catalog, memberships: Memberships, who: Identity, taken: VenueTaken
) -> Refusal:
    """Return the refusal for a venue that another event has.

    The other one is named where whoever asks may see it.
    """
    if taken.event is None or (row := await catalog.find_event(taken.event)) is None:
        return Refusal(VENUE_TAKEN)
    settings, whose = row.settings, (row.organisation, row.created_by)
    if await memberships.is_hidden(who, *whose, settings.sale_state):
        return Refusal(VENUE_TAKEN)
    detail = f"{settings.name} has the venue at that time."
    return Refusal(VENUE_TAKEN, detail, event=NamedEvent(row.event, settings.name))


def unknown_times(found: Faults) -> set[str]:
    """Return the times of a body that are given, but not as times."""
    return {field for field in TIMES if found.is_faulty(field)}
