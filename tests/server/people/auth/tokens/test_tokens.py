import base64
import json

import jwt
import msgspec
import pytest

from server.base.identity import Identity, TokenError
from server.people.auth.tokens.signing_keys import KeyPair
from server.people.auth.tokens.tokens import (
    REMEMBERED_MAX,
    SigningKey,
    Tokens,
    key_from_secret,
)

NOW_S = 1_800_000_000
PAIR, OTHER_PAIR = KeyPair(b"1" * 32), KeyPair(b"2" * 32)
KEY = SigningKey("k1", b"1" * 32)
CLAIMS = {
    "iss": "onsale",
    "sub": "usr_1",
    "role": "admin",
    "iat": NOW_S,
    "exp": NOW_S + 60,
}


def sign(claims, key=PAIR.private, algorithm="EdDSA", kid=PAIR.kid):
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def sign_as_before(claims, secret=KEY.secret, algorithm="HS256"):
    return jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": KEY.kid})


def both():
    """Give what believes tokens of today and of before."""
    return Tokens([PAIR], [KEY])


@pytest.mark.parametrize("role", ["guest", "customer", "organizer", "admin"])
def test_a_token_proves_whom_it_was_issued_to(role):
    tokens = Tokens([PAIR])
    token, lifetime_s = tokens.issue("usr_1", role, NOW_S, "ses_1")
    identity = Tokens([PAIR]).check(token, NOW_S)
    assert identity == tokens.check(token, NOW_S)
    assert (identity.user, identity.role) == ("usr_1", role)
    assert identity.session == identity.subject == "ses_1"
    assert identity.expires_at_s == NOW_S + lifetime_s
    assert identity.organizer == (role in ("organizer", "admin"))


def test_a_guests_token_lasts_seven_days_and_not_a_second_longer():
    tokens = Tokens([PAIR])
    token, lifetime_s = tokens.issue("usr_1", "guest", NOW_S)
    assert lifetime_s == 7 * 86_400
    assert tokens.check(token, NOW_S + lifetime_s - 1).user == "usr_1"
    with pytest.raises(TokenError, match="expired"):
        tokens.check(token, NOW_S + lifetime_s)
    with pytest.raises(TokenError, match="expired"):
        Tokens([PAIR]).check(token, NOW_S + lifetime_s)


@pytest.mark.parametrize("role", ["customer", "organizer", "admin"])
def test_whoever_can_refresh_gets_a_quarter_of_an_hour(role):
    assert Tokens([PAIR]).issue("usr_1", role, NOW_S)[1] == 900


def test_a_token_survives_a_restart_and_a_new_current_key():
    token, _ = Tokens([PAIR]).issue("usr_1", "guest", NOW_S)
    assert Tokens([OTHER_PAIR, PAIR]).check(token, NOW_S).user == "usr_1"


def test_a_token_of_another_server_is_refused():
    token, _ = Tokens([OTHER_PAIR]).issue("usr_1", "admin", NOW_S)
    with pytest.raises(TokenError):
        Tokens([PAIR]).check(token, NOW_S)


def test_a_known_name_with_another_key_is_refused():
    with pytest.raises(TokenError):
        both().check(sign(CLAIMS, OTHER_PAIR.private), NOW_S)
    with pytest.raises(TokenError):
        both().check(sign_as_before(CLAIMS, b"3" * 32), NOW_S)


def test_a_token_as_they_were_before_is_good_until_it_expires():
    tokens = both()
    token = sign_as_before({**CLAIMS, "role": "guest"})
    identity = tokens.check(token, NOW_S)
    assert (identity.user, identity.session, identity.subject) == ("usr_1", "", "usr_1")
    with pytest.raises(TokenError, match="expired"):
        tokens.check(token, NOW_S + 60)
    with pytest.raises(TokenError):
        Tokens([PAIR]).check(token, NOW_S)


def test_anybody_can_check_a_token_with_the_public_key():
    token, _ = Tokens([PAIR]).issue("usr_1", "customer", NOW_S, "ses_1")
    public = jwt.PyJWK.from_json(msgspec.json.encode(PAIR.jwk).decode())
    claims = jwt.decode(token, public, ["EdDSA"], options={"verify_iat": False})
    assert (claims["sub"], claims["sid"]) == ("usr_1", "ses_1")


def test_a_tokens_own_choice_of_algorithm_is_refused():
    unsigned = jwt.encode(CLAIMS, "", algorithm="none", headers={"kid": PAIR.kid})
    public = PAIR.public.public_bytes_raw()
    confused = sign(CLAIMS, public, "HS256")
    longer = sign_as_before(CLAIMS, b"1" * 64, "HS512")
    for token in (unsigned, confused, longer):
        with pytest.raises(TokenError):
            both().check(token, NOW_S)
    with pytest.raises(TokenError):
        Tokens([PAIR], [SigningKey("k1", b"1" * 64)]).check(longer, NOW_S)


def test_a_session_that_has_ended_is_believed_no_longer():
    tokens = Tokens([PAIR])
    first, other, guest = (
        tokens.issue("usr_1", "customer", NOW_S, "ses_1")[0],
        tokens.issue("usr_1", "customer", NOW_S, "ses_2")[0],
        tokens.issue("usr_1", "guest", NOW_S)[0],
    )
    tokens.end("ses_1", NOW_S + 900)
    with pytest.raises(TokenError, match="ended"):
        tokens.check(first, NOW_S)
    assert tokens.check(other, NOW_S).session == "ses_2"
    tokens.end("usr_1", NOW_S + 900)
    with pytest.raises(TokenError, match="ended"):
        tokens.check(guest, NOW_S)
    assert tokens.check(other, NOW_S).session == "ses_2"


def test_what_ended_is_forgotten_when_it_has_expired_anyway():
    tokens = Tokens([PAIR])
    tokens.end("ses_1", NOW_S + 900)
    tokens.end("ses_1", NOW_S + 10)
    tokens.forget_ended(NOW_S + 899)
    assert tokens.is_ended(Identity("usr_1", "customer", NOW_S, "ses_1"))
    tokens.forget_ended(NOW_S + 900)
    assert not tokens.is_ended(Identity("usr_1", "customer", NOW_S, "ses_1"))


def test_a_key_that_is_withdrawn_is_believed_no_longer_though_its_tokens_were_seen():
    tokens = Tokens([PAIR])
    token, _ = tokens.issue("usr_1", "guest", NOW_S)
    tokens.use([OTHER_PAIR, PAIR])
    assert tokens.check(token, NOW_S).user == "usr_1"
    tokens.use([OTHER_PAIR])
    with pytest.raises(TokenError):
        tokens.check(token, NOW_S)


@pytest.mark.parametrize("claim", ["iss", "sub", "role", "iat", "exp"])
def test_a_signed_token_that_lacks_a_claim_is_refused(claim):
    claims = {name: value for name, value in CLAIMS.items() if name != claim}
    with pytest.raises(TokenError):
        Tokens([PAIR]).check(sign(claims), NOW_S)


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
        ("sid", 7),
        ("sid", "s" * 65),
    ],
)
def test_a_signed_token_with_a_wrong_claim_is_refused(claim, value):
    with pytest.raises(TokenError):
        Tokens([PAIR]).check(sign_raw({**CLAIMS, claim: value}), NOW_S)


def sign_raw(claims):
    """Sign claims that the library would refuse to write."""
    return jwt.api_jws.encode(
        json.dumps(claims).encode(), PAIR.private, "EdDSA", headers={"kid": PAIR.kid}
    )


def test_a_changed_token_is_refused_even_after_the_true_one_was_seen():
    tokens = Tokens([PAIR])
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
        Tokens([PAIR]).check(text, NOW_S)


def test_the_memory_of_checked_tokens_is_bounded(monkeypatch):
    monkeypatch.setattr("server.people.auth.tokens.tokens.REMEMBERED_MAX", 2)
    tokens = Tokens([PAIR])
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
        Tokens([PAIR], [SigningKey("k", b"short")])
    with pytest.raises(ValueError):
        Tokens([])
