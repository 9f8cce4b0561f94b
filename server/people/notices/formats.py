"""Times, money and names in mails, as the reader's language writes them.

A time is told as the clocks where the event is show it, and which those are. Money has
as many digits as its currency has.
"""

from decimal import Decimal
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, get_currency_precision

from inventory.money import exponent_of, text_of
from inventory.settings import Money
from inventory.zones import local_time, zone_of
from server.transport.mail.languages import language_of
from server.transport.mail.words import harmless


def locale_of(locale: str) -> Locale:
    """Return how numbers and dates are written: as the reader's country does."""
    language = language_of(locale)
    try:
        found = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale(language)
    # Words of one language with months of another would be neither.
    return found if found.language == language else Locale(language)


def told_time(unix_ms: int, timezone: str, locale: Locale) -> str:
    """Write a time on the event's clocks: `Monday, March 1, 2027, 7:00 PM CET`."""
    zone = zone_of(timezone)
    local = local_time(unix_ms, zone)
    date = format_date(local.date(), "full", locale)
    # The clock's own reading, so that nothing is reckoned a second time.
    time = format_time(local.timetz().replace(tzinfo=None), "short", locale=locale)
    # As travellers know it: in few languages it has a short name of another kind.
    name = local.tzname()
    where = "" if name == zone.key else f" ({zone.key})"
    return f"{date}, {time} {name}{where}"


def told_money(amount: int, currency: str, locale: Locale) -> str:
    """Write an amount in minor units, such as `€45.00` or `45,00 €`."""
    exponent = exponent_of(currency)
    if get_currency_precision(currency) != exponent:
        # Cash has fewer digits there than accounts: ours are those that are charged.
        return text_of(Money(amount, currency))
    value = Decimal(amount).scaleb(-exponent)
    return format_currency(value, currency, locale=locale)


def told_data(value: Any) -> Any:
    """Return what templates are given: with every text one line of words, and no link.

    Whatever it is, and whoever typed it in: no template has to think of it.
    """
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, dict):
        return {name: told_data(one) for name, one in value.items()}
    if isinstance(value, list):
        return [told_data(one) for one in value]
    return value
