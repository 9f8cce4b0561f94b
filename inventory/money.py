"""Currencies as ISO 4217 knows them, and amounts as people read them.

An amount is an integer in the currency's minor unit; how many of its digits stand
behind the point is the currency's exponent. Codes of funds, metals and tests are left
out: nobody pays a ticket in them.
"""

from typing import Final

from inventory.settings import Money, Sum

_TWO = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN
BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR
LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN
SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR
ZMW ZWG
"""
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_NONE.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
}
"""By currency: how many digits of an amount stand behind the point."""


def is_currency(code: str) -> bool:
    """Return whether prices may be in this currency."""
    return code in EXPONENTS


def exponent_of(code: str) -> int:
    """Return a currency's exponent; 2 for a code that no list has, as most have."""
    return EXPONENTS.get(code, 2)


def decimal_of(amount: int, currency: str) -> str:
    """Write an amount in the major unit: `45.00`, `4500`, `4.500`, for exports."""
    exponent = exponent_of(currency)
    sign = "-" if amount < 0 else ""
    digits = str(abs(amount)).rjust(exponent + 1, "0")
    if not exponent:
        return sign + digits
    return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"


def text_of(money: Money | Sum) -> str:
    """Write money for people: `1,234.50 EUR`, `1,234 JPY`."""
    whole, point, rest = decimal_of(abs(money.amount), money.currency).partition(".")
    sign = "-" if money.amount < 0 else ""
    return f"{sign}{int(whole):,}{point}{rest} {money.currency}"
