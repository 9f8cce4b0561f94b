import base64
import json

import jwt
import pytest

from server.accounts.tokens import (
    REMEMBERED_MAX,
    SigningKey,
    TokenError,
    Tokens,
    key_from_secret,
)

NOW_S = 1_800_000_000
KEY = SigningKey("k1", b"1" * 32)
OTHER = SigningKey("k2", b"2" * 32)
CLAIMS = {
    "iss": "onsale",
    "sub": "usr_1",
    "role": "admin",
    "iat": NOW_S,
    "exp": NOW_S + 60,
}


def sign(claims, key=KEY, algorithm="HS256", kid="k1"):
    return jwt.encode(claims, key.secret, algorithm=algorithm, headers={"kid": kid})


@pytest.mark.parametrize("role", ["guest", "customer", "organizer", "admin"])
def test_a_token_proves_whom_it_was_issued_to(role):
    tokens = Tokens([KEY])
    token, lifetime_s = tokens.issue("usr_1", role, NOW_S)
    identity = tokens.check(token, NOW_S)
    assert (identity.user, identity.role) == ("usr_1", role)
    assert identity.expires_at_s == NOW_S + lifetime_s
    assert identity.organizer == (role in ("organizer", "admin"))


def test_a_guests_token_lasts_seven_days_and_not_a_second_longer():
    tokens = Tokens([KEY])
    token, lifetime_s = tokens.issue("usr_1", "guest", NOW_S)
    assert lifetime_s == 7 * 86_400
    assert tokens.check(token, NOW_S + lifetime_s - 1).user == "usr_1"
    with pytest.raises(TokenError, match="expired"):
        tokens.check(token, NOW_S + lifetime_s)
    with pytest.raises(TokenError, match="expired"):
        Tokens([KEY]).check(token, NOW_S + lifetime_s)


def test_a_token_survives_a_restart_and_a_new_current_key():
    token, _ = Tokens([KEY]).issue("usr_1", "guest", NOW_S)
    assert Tokens([OTHER, KEY]).check(token, NOW_S).user == "usr_1"


def test_a_token_of_another_server_is_refused():
    token, _ = Tokens([OTHER]).issue("usr_1", "admin", NOW_S)
    with pytest.raises(TokenError):
        Tokens([KEY]).check(token, NOW_S)


def test_a_known_name_with_another_secret_is_refused():
    with pytest.raises(TokenError):
        Tokens([KEY]).check(sign(CLAIMS, SigningKey("k1", b"3" * 32)), NOW_S)


def test_a_tokens_own_choice_of_algorithm_is_refused():
    unsigned = jwt.encode(CLAIMS, "", algorithm="none", headers={"kid": "k1"})
    for token in (unsigned, sign(CLAIMS, SigningKey("k1", b"1" * 64), "HS512")):
        with pytest.raises(TokenError):
            Tokens([KEY]).check(token, NOW_S)
    with pytest.raises(TokenError):
        Tokens([SigningKey("k1", b"1" * 64)]).check(
            sign(CLAIMS, SigningKey("k1", b"1" * 64), "HS512"), NOW_S
        )


@pytest.mark.parametrize("claim", ["iss", "sub", "role", "iat", "exp"])
def test_a_signed_token_that_lacks_a_claim_is_refused(claim):
    claims = {name: value for name, value in CLAIMS.items() if name != claim}
    with pytest.raises(TokenError):
        Tokens([KEY]).check(sign(claims), NOW_S)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "somebody else"),
        ("sub", 7),
        ("role", "owner"),
        ("role", ["admin"]),
        ("iat", "yesterday"),
        ("iat", NOW_S + 3_600),
        ("exp", "never"),
        ("exp", 1e300),
        ("exp", True),
    ],
)
def test_a_signed_token_with_a_wrong_claim_is_refused(claim, value):
    with pytest.raises(TokenError):
        Tokens([KEY]).check(sign_raw({**CLAIMS, claim: value}), NOW_S)


def sign_raw(claims):
    """Sign claims that the library would refuse to write."""
    return jwt.api_jws.encode(
        json.dumps(claims).encode(), KEY.secret, "HS256", headers={"kid": "k1"}
    )


def test_a_changed_token_is_refused_even_after_the_true_one_was_seen():
    tokens = Tokens([KEY])
    token, _ = tokens.issue("usr_1", "guest", NOW_S)
    tokens.check(token, NOW_S)
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["role"] = "admin"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(TokenError):
        tokens.check(f"{head}.{forged}.{signature}", NOW_S)


@pytest.mark.parametrize(
    "text", ["", ".", "a.b.c", "\x00", "é", "\udcff", "x" * 3000, "..", "e30.e30.e30"]
)
def test_what_is_no_token_is_refused(text):
    with pytest.raises(TokenError):
        Tokens([KEY]).check(text, NOW_S)


def test_the_memory_of_checked_tokens_is_bounded(monkeypatch):
    monkeypatch.setattr("server.accounts.tokens.REMEMBERED_MAX", 2)
    tokens = Tokens([KEY])
    for user in ("a", "b", "c"):
        token, _ = tokens.issue(user, "guest", NOW_S)
        assert tokens.check(token, NOW_S).user == user
    assert len(tokens._remembered) == 2
    assert REMEMBERED_MAX > 2


def test_a_secret_gives_the_same_key_each_time_and_does_not_show():
    first, again = key_from_secret("s" * 32), key_from_secret("s" * 32)
    assert first == again
    assert first != key_from_secret("t" * 32)
    assert b"s" * 32 not in first.secret
    assert first.secret.hex() not in repr(first)


def test_a_secret_that_can_be_guessed_is_refused():
    with pytest.raises(ValueError):
        key_from_secret("short")
    with pytest.raises(ValueError):
        Tokens([SigningKey("k", b"short")])
    with pytest.raises(ValueError):
        Tokens([])
