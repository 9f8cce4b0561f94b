"""Examples of signing in, for the description of the interface."""

from typing import Any, Final

from server.transport.rest.examples import Examples
from server.transport.rest.story import ADMIN, OLGA, OWNER, PASSWORD

TOKEN: Final[dict[str, Any]] = {
    "access_token": "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0.e30.c2lnbmF0dXJl",
    "token_type": "Bearer",
    "expires_in": 604800,
    "user": {"id": OLGA, "role": "guest"},
}

SESSION: Final[dict[str, Any]] = {
    "id": "ses_9tQ4hRzPSbm6WcY2u0kF3g",
    "current": True,
    "created_at": "2026-11-21T10:00:00Z",
    "seen_at": "2026-11-21T10:15:00Z",
    "expires_at": "2026-12-21T10:15:00Z",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
    "address": "203.0.113.0/24",
}

SIGNED_IN: Final[dict[str, Any]] = {
    **TOKEN,
    "expires_in": 900,
    "user": {"id": OLGA, "role": "customer"},
    "refresh_token": "o3sT8Yw1dJ6mVbR0qKxZ5uN9cPhL2eGaF7iWtB4vXyE",
    "refresh_expires_in": 2592000,
    "session": SESSION["id"],
}


def account(person: dict[str, Any]) -> dict[str, Any]:
    """Return what somebody of the story registers with."""
    return {
        "email": person["email"],
        "password": PASSWORD,
        "name": person["name"],
    }


def signed_in(user: str) -> dict[str, Any]:
    """Return what somebody gets who has registered."""
    return {**SIGNED_IN, "user": {"id": user, "role": "customer"}}


EXAMPLES: Final = Examples(
    requests={
        "refresh": {"refresh_token": SIGNED_IN["refresh_token"]},
    },
    answers={
        "create_guest": TOKEN,
        "refresh": SIGNED_IN,
        "list_sessions": {"items": [SESSION], "next_cursor": None},
        "show_token_keys": {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                    "kid": "21fe31dfa154a261",
                    "use": "sig",
                    "alg": "EdDSA",
                }
            ]
        },
    },
    several_requests={
        "log_in": {
            "olga": {"email": OWNER["email"], "password": PASSWORD},
            # What the server was started with stands in these places.
            "administrator": {
                "email": "admin@example.org",
                "password": "that of ONSALE_ADMIN_PASSWORD",
            },
        },
    },
    several_answers={
        "log_in": {"olga": SIGNED_IN, "administrator": {**SIGNED_IN, "user": ADMIN}},
    },
)
