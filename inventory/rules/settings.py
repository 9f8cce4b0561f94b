"""What an event may be set to: how a patch is merged, and what is wrong with a result.

Used where an event is made and by the rules that change or publish it, so that there is
one judge of times and prices.
"""

from collections.abc import Collection
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from inventory import limits
from inventory.money import is_currency
from inventory.replies import Fault
from inventory.settings import Money, SaleState, Settings, SettingsPatch, over_ms
from inventory.zones import YEARS, is_kept, moved_along, zone_of

CATEGORIES_TOLD_MAX: Final = 20
TIMES: Final = ("starts_at_ms", "ends_at_ms", "on_sale_at_ms", "off_sale_at_ms")
FOLLOWING: Final = TIMES[1:]
"""What moves along with the beginning, where it is not set itself."""

_NOT_OPENED: Final = frozenset[SaleState]({"draft", "scheduled"})


def merged(settings: Settings, patch: SettingsPatch) -> Settings:
    """Return the settings with what the patch changes, and what follows from it."""
    changes: dict[str, Any] = {
        field: value
        for field in patch.__struct_fields__
        if (value := getattr(patch, field)) is not UNSET
    }
    if "prices" in changes:
        prices = {**settings.prices, **changes["prices"]}
        changes["prices"] = {key: one for key, one in prices.items() if one is not None}
    if "types" in changes:
        types = {**settings.types, **changes["types"]}
        changes["types"] = {key: one for key, one in types.items() if one is not None}
    if "starts_at_ms" in changes:
        changes |= _following(settings, changes)
    changed = replace(settings, **changes)
    return completing(changed) if patch.names(*TIMES) else changed


def _following(settings: Settings, changes: dict[str, Any]) -> dict[str, int]:
    """Return the times that follow the beginning, where the changes do not set them.

    When a sale opened stays as it was.
    """
    fields = [field for field in FOLLOWING if field not in changes]
    if settings.sale_state not in _NOT_OPENED and "on_sale_at_ms" in fields:
        fields.remove("on_sale_at_ms")
    return moved_times(
        settings,
        changes["starts_at_ms"],
        changes.get("timezone", settings.timezone),
        fields,
    )


def moved_times(
    settings: Settings, starts_at_ms: int, timezone: str, fields: Collection[str]
) -> dict[str, int]:
    """Return these times, where they are set, for a beginning at another time.

    They move by as much as the beginning does on the clocks of the zone.
    """
    zone, former_ms = zone_of(timezone), settings.starts_at_ms
    return {
        field: moved_along(at_ms, former_ms, starts_at_ms, zone)
        for field in fields
        if (at_ms := getattr(settings, field)) is not None
    }


def completing(settings: Settings) -> Settings:
    """Return settings by which the event is completed when it is over."""
    return replace(settings, completes_at_ms=over_ms(settings))


def time_faults(
    settings: Settings, unknown: Collection[str] = frozenset()
) -> list[Fault]:
    """Return what is wrong with the times, whenever it is now.

    `unknown` are those that were given, but not as times.
    """
    wrong = year_faults(settings)
    if wrong:
        return [fault for fault in wrong if fault.field not in unknown]
    starts_ms, ends_ms = settings.starts_at_ms, settings.ends_at_ms
    opens_ms, closes_ms = settings.on_sale_at_ms, settings.off_sale_at_ms
    over = ("starts_at", "ends_at")
    faults: list[tuple[Fault, tuple[str, ...]]] = []
    if ends_ms is not None and ends_ms <= starts_ms:
        faults.append((Fault("ends_at", "Not after starts_at."), over))
    if opens_ms is not None and opens_ms > starts_ms:
        faults.append((Fault("on_sale_at", "After starts_at."), ("starts_at",)))
    if closes_ms is not None:
        if opens_ms is not None and closes_ms <= opens_ms:
            late = Fault("off_sale_at", "Not after on_sale_at.")
            faults.append((late, ("on_sale_at",)))
        if closes_ms > max(starts_ms, over_ms(settings)):
            faults.append((Fault("off_sale_at", "After the event is over."), over))
    return [
        fault
        for fault, needed in faults
        if fault.field not in unknown and not any(one in unknown for one in needed)
    ]


def no_such_category(categories: Collection[str]) -> str:
    """Return what is wrong with a category, and which there are instead."""
    some = sorted(categories)[:CATEGORIES_TOLD_MAX]
    more = ", …" if len(categories) > len(some) else ""
    return f"The venue has no such category. It has {', '.join(some)}{more}."


def year_faults(times: Settings | SettingsPatch) -> list[Fault]:
    """Return the times that have no date in some zone."""
    return [
        Fault(field.removesuffix("_ms"), YEARS)
        for field in sorted(TIMES)
        if isinstance(at_ms := getattr(times, field), int) and not is_kept(at_ms)
    ]


def past_faults(settings: Settings, now_ms: int) -> list[Fault]:
    """Return the times that are past, though the event is still to be sold."""
    return [
        Fault(field.removesuffix("_ms"), "In the past.")
        for field in ("starts_at_ms", "ends_at_ms", "off_sale_at_ms")
        if (at_ms := getattr(settings, field)) is not None and at_ms <= now_ms
    ]


def patched_faults(
    settings: Settings,
    changed: Settings,
    patch: SettingsPatch,
    categories: Collection[str],
    used: Collection[str],
    unknown: Collection[str] = frozenset(),
) -> list[Fault]:
    """Return what is wrong with the settings that a patch makes, at such a venue.

    `unknown` are times that were given, but not as times.
    """
    faults = time_faults(changed, unknown) if patch.names(*TIMES) else []
    if patch.prices is not UNSET:
        # A draft may be incomplete until it is published.
        priced = () if settings.sale_state == "draft" else used
        faults += price_faults(changed.prices, categories, priced)
    if patch.names("prices", "types"):
        faults += type_faults(changed)
    return faults


def price_faults(
    prices: dict[str, Money],
    categories: Collection[str] | None,
    priced: Collection[str],
) -> list[Fault]:
    """Return what is wrong with prices at a venue with these categories.

    Each of the categories `priced` must have one where any category has. Without
    `categories` nobody knows the venue.
    """
    faults = []
    for key, money in prices.items():
        if categories is not None and key not in categories:
            faults.append(Fault(f"prices.{key}", no_such_category(categories)))
        elif not is_currency(money.currency):
            detail = f"ISO 4217 has no currency {money.currency}."
            faults.append(Fault(f"prices.{key}.currency", detail))
        elif money.amount > limits.PRICE_MAX:
            # Drafts of former versions, too, when they are published.
            detail = f"At most {limits.PRICE_MAX:,}."
            faults.append(Fault(f"prices.{key}.amount", detail))
    if len({money.currency for money in prices.values()}) > 1:
        # A hold has one total, so its parts must add up.
        faults.append(Fault("prices", "All prices of an event are in one currency."))
    if prices:
        faults += [
            Fault(f"prices.{key}", f"Category {key!r} has no price; 0 is one.")
            for key in sorted(set(priced) - set(prices))
        ]
    return faults


def type_faults(settings: Settings) -> list[Fault]:
    """Return what is wrong with the types of an event, beside its prices."""
    faults = []
    if len(settings.types) > limits.TYPES_MAX:
        faults.append(Fault("types", f"At most {limits.TYPES_MAX}."))
    for key, kind in settings.types.items():
        for category, money in kind.prices.items():
            field, usual = f"types.{key}.prices.{category}", settings.prices
            if category not in usual:
                faults.append(Fault(field, "The category itself has no price."))
            elif money.currency != usual[category].currency:
                detail = "All prices of an event are in one currency."
                faults.append(Fault(f"{field}.currency", detail))
            elif money.amount > limits.PRICE_MAX:
                detail = f"At most {limits.PRICE_MAX:,}."
                faults.append(Fault(f"{field}.amount", detail))
    return faults
