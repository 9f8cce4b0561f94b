"""What the page decides by itself is what the server would, by the same rules."""

import itertools
from base64 import urlsafe_b64encode
from typing import Any, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from persistence.shop.checkin.facts import (
    STANDINGS,
    Direction,
    ListSeen,
    TicketSeen,
)
from server.shop.checkin.rules import judge
from server.shop.tickets.token import Claims, Kind, event_mark, key_id, sign, verify

JUDGE = """async (all) => {
  const { judge } = await import("/assets/door/gate/judge.js");
  return all.map((one) => judge({ ...one, ticket: one.ticket ?? undefined }));
}"""
READ = """async ([codes, keys]) => {
  const { claimsOf, isSigned } = await import("/assets/door/gate/code.js");
  const known = new Map(keys);
  return Promise.all(codes.map(async (code) => {
    const claims = claimsOf(code);
    if (claims === null || !(await isSigned(claims, known))) return null;
    return [claims.event, claims.number, claims.generation, claims.key];
  }));
}"""
# As in browsers whose WebCrypto has other curves alone.
NO_ED25519 = """
const real = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = async (form, key, algorithm, ...more) => {
  if (algorithm.name === "Ed25519") throw new DOMException("no", "NotSupportedError");
  return real(form, key, algorithm, ...more);
};
"""
NOW_MS = 1_000_000


async def test_the_page_judges_as_the_server_does(page):
    asked: list[dict[str, Any]] = []
    wanted = []
    for (
        state,
        generation,
        listed,
        reentry,
        open_,
        standing,
        direction,
    ) in itertools.product(
        ("valid", "offered", "locked", "revoked"),
        (1, 2),
        (True, False),
        (True, False),
        (True, False),
        STANDINGS,
        get_args(Direction),
    ):
        rules = ListSeen(
            categories=None if listed else ["others"], reentry=reentry, open=open_
        )
        seen = TicketSeen("tkt", state, 1, "A-1", "front")
        wanted.append(judge(seen, generation, rules, standing, direction))
        opens_at = None if open_ else "2026-11-30T00:00:00Z"
        ticket = {"status": state, "generation": 1, "listed": listed}
        asked.append(
            {
                "ticket": ticket,
                "generation": generation,
                "list": {"reentry": reentry, "opens_at": opens_at},
                "standing": standing,
                "direction": direction,
                "now": NOW_MS,
            }
        )
    await page.goto("/checkin/")
    assert await page.evaluate(JUDGE, asked) == wanted
    # What was sold since the bundle was taken comes in, and goes by the same rules.
    sold = [{**one, "ticket": None} for one in asked[:1]]
    assert await page.evaluate(JUDGE, sold) == ["ok"]


def codes_and_keys() -> tuple[list[str], dict[str, Any]]:
    """Give codes, good ones and all kinds of bad ones, and the keys that are known."""
    private, stranger = [
        Ed25519PrivateKey.from_private_bytes(bytes([one]) * 32) for one in (1, 2)
    ]
    keys = {key_id(private.public_key().public_bytes_raw()): private.public_key()}
    (known,) = keys
    codes = []
    issued: list[tuple[str, int, Kind, int | None]] = [
        ("ABCDEFGHJK", 1, "seat", 0),
        ("9999999999", 255, "place", 70_000),
        ("AAAAAAAAAA", 3, "seat", None),
    ]
    for number, generation, kind, place in issued:
        claims = Claims(
            event_mark(number), number, generation, kind, place, 20_000, known
        )
        codes += [sign(claims, private), sign(claims, stranger)]
    one = codes[0]
    codes += [
        one[:at] + ("A" if one[at] != "A" else "B") + one[at + 1 :]
        for at in range(len(one))
    ]
    codes += [one[:-1], one[:-2], one + "A", one.lower(), "", "0", "A" * 160, "A" * 161]
    return codes, keys


async def test_the_page_believes_the_codes_that_the_server_believes(open_page):
    codes, keys = codes_and_keys()
    wanted = []
    for code in codes:
        read = verify(code, keys)
        wanted.append(
            [read.event, read.number, read.generation, read.key]
            if isinstance(read, Claims)
            else None
        )
    assert sum(one is not None for one in wanted) == 3
    public = [
        (name, urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode())
        for name, key in keys.items()
    ]
    page, older = await open_page(), await open_page()
    await older.add_init_script(NO_ED25519)
    for one in (page, older):
        await one.goto("/checkin/")
        assert await one.evaluate(READ, [codes, public]) == wanted
