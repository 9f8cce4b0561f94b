from server.rest.limits import (
    ACCOUNT_LOGINS_BURST,
    ADDRESS_LOGINS_BURST,
    LOGINS_BURST,
    MAILS_BURST,
    RequestLimits,
)

OLGA = "olga@example.org"


def guesses(limits, senders, emails, now_s=0.0):
    """How many of these passwords are looked at."""
    pairs = zip(senders, emails, strict=True)
    verdicts = [limits.login(sender, email, now_s) for sender, email in pairs]
    return sum(verdict.allowed for verdict in verdicts)


def test_one_address_guesses_the_password_of_one_account_slowly():
    limits = RequestLimits()
    assert guesses(limits, ["a"] * 50, [OLGA] * 50) == LOGINS_BURST
    assert guesses(limits, ["a"] * 500, [OLGA] * 500, 3_600.0) == LOGINS_BURST


def test_many_addresses_together_guess_the_password_of_one_account_slowly():
    limits = RequestLimits()
    senders = [f"a{n}" for n in range(1_000)]
    assert guesses(limits, senders, [OLGA] * 1_000) == ACCOUNT_LOGINS_BURST


def test_one_address_guesses_the_passwords_of_many_accounts_slowly():
    limits = RequestLimits()
    emails = [f"{n}@example.org" for n in range(1_000)]
    assert guesses(limits, ["a"] * 1_000, emails) == ADDRESS_LOGINS_BURST


def test_one_address_does_not_keep_the_owner_from_logging_in_elsewhere():
    limits = RequestLimits()
    for second in range(7_200):
        limits.login("eve", OLGA, float(second))
        if second % 600 == 0:
            assert limits.login("home", OLGA, float(second)).allowed


def test_nobody_s_letter_box_is_filled():
    limits = RequestLimits()
    allowed = [limits.mail(f"a{n}", OLGA, 0.0).allowed for n in range(20)]
    assert sum(allowed) == MAILS_BURST
    assert limits.mail("a1", "other@example.org", 0.0).allowed
