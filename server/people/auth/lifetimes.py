"""How long tokens and sessions last, in seconds, and how that relates."""

from typing import Final

from server.base.identity import Role

DAY_S: Final = 86_400
MINUTE_S: Final = 60

LIFETIME_S: Final[dict[Role, int]] = {
    "guest": 7 * DAY_S,
    "customer": 15 * MINUTE_S,
    "organizer": 15 * MINUTE_S,
    "admin": 15 * MINUTE_S,
}
"""Of access tokens. A guest's is all that a guest has; the others can be refreshed."""

UNUSED_S: Final = 3_600
"""A guest that held nothing for so long is none any more, whatever its token says."""

TOKEN_S_MAX: Final = max(LIFETIME_S.values())
SESSION_TOKEN_S_MAX: Final = max(
    lasts_s for role, lasts_s in LIFETIME_S.items() if role != "guest"
)

SESSION_S: Final = 30 * DAY_S
"""A session that was not refreshed for so long is over."""

USED_TOKENS_S: Final = 7 * DAY_S
"""How long a used refresh token is remembered, to notice that it is shown again."""

FRESH_S: Final = 5 * MINUTE_S
"""For so long after signing in one need not show the password once more."""

VERIFY_S: Final = 3 * DAY_S
"""How long the code in a mail proves its address."""

RESET_S: Final = 3_600
"""How long the code in a mail lets one choose a new password."""

CLOCK_SKEW_S: Final = 60
"""How far the clock of another machine that issued a token may be ahead of ours."""

assert LIFETIME_S["guest"] > UNUSED_S
assert SESSION_TOKEN_S_MAX < RESET_S < USED_TOKENS_S < SESSION_S
