import pytest

from persistence.people.addresses import address_key
from server.transport.mail.addresses import typed_email


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Olga@Example.ORG ", "Olga@Example.ORG"),
        ("o.l+g_a@example.org", "o.l+g_a@example.org"),
        ("olga@localhost", "olga@localhost"),
        ("Jürgen@EXÄMPLE.org", "Jürgen@EXÄMPLE.org"),
        ("ju\u0308rgen@exa\u0308mple.org", "ju\u0308rgen@exa\u0308mple.org"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ],
)
def test_an_address_is_kept_as_it_was_typed(text, email):
    assert typed_email(text) == email
    assert address_key(text) == address_key(email)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "olga",
        "@example.org",
        "olga@",
        "ol ga@example.org",
        "olga@example..org",
        "olga@.org",
        "a@b@c",
        "olga@example.org\nBcc: all@example.org",
        "olga@example.org,eve@example.org",
        "Olga <olga@example.org>",
        "olga@exa\x00mple.org",
        "olga@exa\u200bmple.org",
        "x" * 65 + "@example.org",
        "olga@" + "x" * 64 + ".org",
        "olga@" + "x." * 130 + "org",
        # In ASCII it is too long for a label, or for an address.
        "olga@" + "ü" * 60 + ".org",
        "olga@" + "ünüü." * 30 + "org",
        "olga@\u3002org",
    ],
)
def test_what_can_be_no_address_is_refused(text):
    assert typed_email(text) is None
