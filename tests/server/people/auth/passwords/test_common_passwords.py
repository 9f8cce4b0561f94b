import pytest

from server.people.auth.passwords.common_passwords import EXACTLY, WORDS, is_common


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "PASSWORD",
        "Password1!",
        "p@ssw0rd",
        "P@ssw0rd2026",
        "12345678",
        "qwertyuiop",
        "1q2w3e4r",
        "Summer2026",
        "!!liverpool!!",
        "LetMeIn123",
        "monkeymonkey",
        "Şifre123",
        "\uff50assword",
    ],
)
def test_what_everybody_tries_first_is_known(password):
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "a long one",
        "xkcd password strip",
        "zq7!vpm2kd",
        "x" * 9,
    ],
)
def test_others_are_not(password):
    assert not is_common(password)


def test_the_lists_hold_a_few_hundred_in_the_form_that_is_looked_for():
    assert len(WORDS) > 500
    assert len(EXACTLY) > 100
    assert all(one == one.casefold() for one in WORDS | EXACTLY)
    # Else they could never be found.
    assert all(is_common(one) for one in WORDS | EXACTLY)
