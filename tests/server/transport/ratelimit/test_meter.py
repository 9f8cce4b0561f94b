"""What is dear is counted for who asks, who is told of each verdict."""

import pytest

from server.transport.http.problems import problem_of
from server.transport.ratelimit.meter import RateLimited
from server.transport.ratelimit.request_limits import (
    GUESTS_BURST,
    LOGINS_BURST,
    MAILS_BURST,
    NOTICES_BURST,
    REGISTRATIONS_BURST,
    SENT_MAILS_BURST,
)
from tests.server.meters import Counter, uncounted

OLGA = "olga@example.org"


@pytest.mark.parametrize(
    ("most", "ask"),
    [
        (GUESTS_BURST, lambda meter: meter.guest("192.0.2.0/24")),
        (LOGINS_BURST, lambda meter: meter.login(OLGA)),
        (REGISTRATIONS_BURST, lambda meter: meter.registration()),
        (MAILS_BURST, lambda meter: meter.welcome(OLGA)),
        (MAILS_BURST, lambda meter: meter.mail(OLGA)),
        (NOTICES_BURST, lambda meter: meter.notice(OLGA)),
    ],
)
def test_each_is_let_by_as_often_as_it_may_be(most, ask):
    counter = Counter()
    meter = counter.of("usr_1")
    for _ in range(most):
        ask(meter)
    with pytest.raises(RateLimited, match="rate_limited") as refused:
        ask(meter)
    assert [one.allowed for one in counter.told] == [True] * most + [False]
    assert refused.value.verdict == counter.told[-1]
    # Without limits nothing is counted, and nobody told.
    for _ in range(most + 1):
        ask(uncounted())


def test_an_address_is_one_however_it_is_written():
    meter = Counter().of()
    for _ in range(MAILS_BURST):
        meter.welcome(OLGA)
    with pytest.raises(RateLimited):
        meter.mail("OLGA@example.org")


def test_a_user_sends_few_mails_from_wherever():
    counter = Counter()
    for n in range(SENT_MAILS_BURST):
        counter.of("usr_1", f"192.0.2.{n}").mail(f"{n}@example.org")
    with pytest.raises(RateLimited):
        counter.of("usr_1", "192.0.2.99").mail("other@example.org")
    counter.of("usr_2", "192.0.2.99").mail("other@example.org")


def test_a_problem_says_when_one_may_come_again():
    meter = Counter().of()
    for _ in range(LOGINS_BURST):
        meter.login(OLGA)
    with pytest.raises(RateLimited) as refused:
        meter.login(OLGA)
    problem = problem_of(refused.value)
    assert (problem.code, problem.kind.status) == ("rate_limited", 429)
    assert problem.headers == refused.value.verdict.headers()
    assert int(problem.headers["Retry-After"]) > 0
