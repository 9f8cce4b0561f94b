from types import SimpleNamespace
from typing import Any, get_args

import pytest

from server.app import ROUTES
from server.base.identity import Identity
from server.base.settings import Config
from server.transport.ratelimit.request_limits import (
    ACCOUNT_LOGINS_BURST,
    ADDRESS_LOGINS_BURST,
    ADMIN_MAX,
    COMMANDS_MAX,
    GUESSES_BURST,
    GUESTS_BURST,
    HANDSHAKES_BURST,
    LOGINS_BURST,
    MAILS_BURST,
    NETWORK_GUESTS_BURST,
    NOTICES_BURST,
    PUBLIC_MAX,
    REQUESTS_BURST,
    SENT_MAILS_BURST,
    SHOWN_BURST,
    SIGNED_IN_MAX,
    TELL_S,
    TELLS_BURST,
    Allowances,
    Budget,
    RequestLimits,
    is_this_machine,
    limits_of,
)
from server.transport.ratelimit.sliding_windows import TOLD_AT_ONCE_MAX, WINDOW_S
from server.transport.ratelimit.token_buckets import KEYS_MAX, Verdict

HERE, THERE = "127.0.0.1", "192.0.2.1"
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


def test_the_owner_of_an_account_is_told_of_it_whoever_filled_the_letter_box():
    limits = RequestLimits()
    while limits.mail("eve", OLGA, 0.0).allowed:
        pass
    allowed = [limits.notice("usr_1", OLGA, 0.0).allowed for _ in range(20)]
    assert sum(allowed) == NOTICES_BURST
    assert limits.notice("usr_1", "other@example.org", 0.0).allowed


def test_neither_an_address_nor_a_user_sends_mails_without_end():
    limits = RequestLimits()
    emails = [f"{n}@example.org" for n in range(100)]
    allowed = [limits.mail("eve", email, 0.0, f"usr_{email}") for email in emails]
    assert sum(one.allowed for one in allowed) == SENT_MAILS_BURST
    limits = RequestLimits()
    allowed = [limits.mail(f"a{email}", email, 0.0, "usr_eve") for email in emails]
    assert sum(one.allowed for one in allowed) == SENT_MAILS_BURST
    # Who sends no more uses up nothing of what its victims may get.
    assert limits.mail("a", emails[-1], 0.0).remaining == MAILS_BURST - 1


def test_a_new_account_s_mail_counts_with_all_others_to_its_address():
    limits = RequestLimits()
    allowed = [limits.welcome(OLGA, 0.0).allowed for _ in range(20)]
    assert sum(allowed) == MAILS_BURST
    assert not limits.mail("home", OLGA, 0.0).allowed


def who(role: Any, user: str = "usr_1") -> Identity:
    return Identity(user, role, 2**40)


def let_through(limits, identity, client=THERE, budget="requests", count=4_000):
    return sum(
        limits.request(client, identity, 0.0, budget).allowed for _ in range(count)
    )


def at(wall_s: float = 1e9, **given: int) -> RequestLimits:
    return RequestLimits(Allowances(**given), lambda: wall_s)


@pytest.mark.parametrize(
    ("identity", "most"),
    [
        (None, PUBLIC_MAX),
        (who("guest"), PUBLIC_MAX),
        (who("customer"), SIGNED_IN_MAX),
        (who("organizer"), SIGNED_IN_MAX),
        (who("admin"), ADMIN_MAX),
        (who("key"), ADMIN_MAX),
    ],
)
def test_each_has_the_budget_of_its_kind_and_another_one_for_commands(identity, most):
    limits = at()
    assert let_through(limits, identity) == most
    assert let_through(limits, identity, budget="cheap") == 0
    assert let_through(limits, identity, budget="commands") == COMMANDS_MAX
    refused = limits.request(THERE, identity, 0.0)
    assert refused.limit == most
    assert 1 <= refused.retry_after_s <= 2 * WINDOW_S


def test_the_budgets_are_those_that_were_promised():
    assert (PUBLIC_MAX, SIGNED_IN_MAX, ADMIN_MAX, WINDOW_S) == (100, 300, 1_000, 900)


@pytest.mark.parametrize(
    ("budget", "most"), [("requests", PUBLIC_MAX), ("commands", COMMANDS_MAX)]
)
def test_the_guests_of_an_address_have_its_budget_together(budget, most):
    limits = at()
    allowed = [
        limits.request(THERE, who("guest", f"usr_{number}"), 0.0, budget).allowed
        for number in range(most + 50)
    ]
    assert sum(allowed) == most
    # One budget with who shows no token; another address has another one.
    assert not limits.request(THERE, None, 0.0, budget).allowed
    assert limits.request("192.0.2.2", who("guest"), 0.0, budget).allowed
    assert limits.request(THERE, who("customer"), 0.0).allowed


def test_what_anybody_is_shown_has_a_limit_of_its_own_for_each_address():
    limits = at()
    assert let_through(limits, None, budget="shown") == SHOWN_BURST
    assert let_through(limits, None, "192.0.2.2", budget="shown") == SHOWN_BURST
    assert let_through(limits, None) == PUBLIC_MAX
    assert let_through(at(), None, HERE, budget="shown") == REQUESTS_BURST


@pytest.mark.parametrize("ask", ["login", "mail"])
def test_names_that_one_address_thinks_of_push_out_nobody_s_bucket(ask):
    limits = RequestLimits()
    while getattr(limits, ask)("a", OLGA, 0.0).allowed:
        pass
    for number in range(KEYS_MAX):
        getattr(limits, ask)("eve", f"{number}@example.org", 0.0)
    assert not getattr(limits, ask)("a", OLGA, 0.0).allowed


def test_a_read_of_what_is_ready_costs_a_tenth():
    assert let_through(at(), None, budget="cheap") == 10 * PUBLIC_MAX


def test_users_are_told_apart_wherever_they_come_from():
    limits = at()
    assert let_through(limits, who("customer", "usr_1")) == SIGNED_IN_MAX
    assert let_through(limits, who("customer", "usr_2")) == SIGNED_IN_MAX
    assert let_through(limits, who("customer", "usr_1"), "192.0.2.2") == 0
    assert let_through(limits, None) == PUBLIC_MAX


def test_what_has_a_limit_of_its_own_does_not_use_up_the_budget():
    limits = at()
    assert let_through(limits, None, budget="own") == REQUESTS_BURST
    assert let_through(limits, None) == PUBLIC_MAX


@pytest.mark.parametrize("client", [HERE, "127.8.9.1", "::1", "::/64"])
def test_this_machine_has_no_budget_but_a_rate_unless_one_is_set(client):
    assert is_this_machine(client)
    assert let_through(at(), None, client) == REQUESTS_BURST
    assert let_through(at(public=5), None, client) == 5
    assert let_through(at(public=5), who("admin"), client) == REQUESTS_BURST


@pytest.mark.parametrize("client", ["128.0.0.1", "::2", "2001:db8::/64", "unknown"])
def test_another_machine_is_none(client):
    assert not is_this_machine(client)


def test_budgets_are_set_in_the_configuration_or_lifted():
    assert limits_of(Config(rate_limits="off", rate_limit_public=1)) is None
    config = Config(
        rate_limit_public=1,
        rate_limit_signed_in=2,
        rate_limit_admin=3,
        rate_limit_commands=4,
    )
    limits = limits_of(config)
    assert limits is not None
    people = (None, who("customer"), who("admin"))
    assert [let_through(limits, one, HERE) for one in people] == [1, 2, 3]
    assert let_through(limits, who("guest"), HERE, "commands") == 4


def test_what_sells_has_its_own_budget_and_what_is_read_most_is_cheap():
    by_name = {route.name: route.budget for route in ROUTES}
    assert by_name["run_command"] == "commands"
    assert by_name["show_event"] == by_name["show_availability"] == "cheap"
    assert by_name["create_guest"] == by_name["log_in"] == "own"
    assert by_name["list_events"] == "requests"
    assert by_name["show_metrics"] == by_name["show_docs_asset"] == "shown"
    probes = {route.name for route in ROUTES if route.budget == "probe"}
    # A provider that is refused sends the same again.
    assert probes == {"show_alive", "show_ready", "take_payment_webhook"}
    assert set(by_name.values()) == set(get_args(Budget))


class Wire:
    """A bus that gives each message to all who hear, the speaker among them."""

    def __init__(self) -> None:
        self.ears: list[tuple[str, Any]] = []
        self.said: list[bytes] = []
        self.cut = False

    def publish(self, topic: str, data: bytes) -> None:
        if self.cut:
            return
        self.said.append(data)
        for heard, hear in self.ears:
            if heard == topic:
                hear(data)

    def subscribe(self, topic: str, hear: Any, lose: Any) -> None:
        self.ears.append((topic, hear))
        lose()


class Turns:
    """A loop whose time passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.due: list[tuple[float, Any]] = []

    def call_soon(self, do: Any) -> Any:
        return self.call_later(0.0, do)

    def call_later(self, delay_s: float, do: Any) -> Any:
        entry = (self.now_s + delay_s, do)
        self.due.append(entry)
        return SimpleNamespace(cancel=lambda: self.due.remove(entry))

    def turn(self, passes_s: float = 0.0) -> None:
        """Let time pass, and do what is due by then."""
        self.now_s += passes_s
        now = [entry for entry in self.due if entry[0] <= self.now_s]
        self.due = [entry for entry in self.due if entry not in now]
        for _, do in now:
            do()


def together(count: int) -> tuple[Any, list[RequestLimits], Any]:
    """Return processes that count together, what they hear by, and their loop."""
    wire: Any = Wire()
    turns: Any = Turns()
    processes = [RequestLimits(None, lambda: 1e9, lambda: 0.0) for _ in range(count)]
    for number, one in enumerate(processes):
        one.connect(wire, f"process {number}", turns)
    return wire, processes, turns


def test_processes_of_a_cluster_count_together():
    wire, processes, turns = together(3)
    assert let_through(processes[0], None, count=60) == 60
    assert let_through(processes[1], who("guest"), budget="commands", count=1) == 1
    turns.turn()
    assert len(wire.said) == 2
    assert let_through(processes[1], None) == PUBLIC_MAX - 60
    turns.turn()
    assert let_through(processes[2], None) == 0
    wire.publish("rate limits", b"\xc1 of another version")


@pytest.mark.parametrize(
    ("budget", "client", "most"),
    [
        ("requests", THERE, PUBLIC_MAX),
        ("cheap", THERE, 10 * PUBLIC_MAX),
        ("commands", THERE, COMMANDS_MAX),
        ("own", THERE, REQUESTS_BURST),
        ("shown", THERE, SHOWN_BURST),
        ("requests", HERE, REQUESTS_BURST),
    ],
)
def test_processes_asked_in_turn_say_what_one_would(budget, client, most):
    alone = RequestLimits(None, lambda: 1e9, lambda: 0.0)
    _, processes, turns = together(3)
    for number in range(most + 50):
        said = processes[number % 3].request(client, None, 0.0, budget)
        assert said == alone.request(client, None, 0.0, budget), number
        assert said.allowed == (number < most)
        turns.turn(TELL_S)


def guest(limits: RequestLimits, client: str, now_s: float) -> Verdict:
    return limits.guest(client, "its network", now_s)


def test_addresses_of_one_network_make_guests_together():
    limits = RequestLimits()
    for number in range(NETWORK_GUESTS_BURST):
        address = f"203.0.113.{number // GUESTS_BURST}"
        assert guest(limits, address, 0.0).allowed
    refused = guest(limits, "203.0.113.99", 0.0)
    assert (refused.allowed, refused.retry_after_s) == (False, 1)
    assert limits.guest("198.51.100.7", "another network", 0.0).allowed


def test_guests_and_handshakes_are_counted_together():
    for take, most in (
        (guest, GUESTS_BURST),
        (RequestLimits.handshake, HANDSHAKES_BURST),
    ):
        _, processes, turns = together(2)
        allowed = 0
        for number in range(2 * most + 10):
            allowed += take(processes[number % 2], THERE, 0.0).allowed
            turns.turn()
        assert allowed == most


def test_who_says_much_gathers_what_is_far_from_a_limit_and_nothing_else():
    wire, processes, turns = together(2)
    for number in range(TELLS_BURST):
        let_through(processes[0], None, f"client {number}", count=1)
        turns.turn()
    assert len(wire.said) == TELLS_BURST
    let_through(processes[0], None, count=49)
    turns.turn()
    assert len(wire.said) == TELLS_BURST
    let_through(processes[0], None, count=1)
    turns.turn()
    assert len(wire.said) == TELLS_BURST + 1
    let_through(processes[0], None, "198.51.100.1", count=1)
    turns.turn(TELL_S)
    assert let_through(processes[1], None) == PUBLIC_MAX - 50
    assert let_through(processes[1], None, "198.51.100.1") == PUBLIC_MAX - 1


def test_what_is_too_much_for_a_message_is_told_in_the_next():
    wire, processes, turns = together(2)
    for number in range(TOLD_AT_ONCE_MAX + 1):
        let_through(processes[0], None, f"client {number}", count=1)
    turns.turn()
    turns.turn(TELL_S)
    assert len(wire.said) == 2
    assert let_through(processes[1], None, f"client {number}") == PUBLIC_MAX - 1
    turns.turn()
    assert turns.due == []


def test_alone_nobody_is_told():
    limits = at()
    let_through(limits, None)
    limits.exchange()
    assert limits.handshake(THERE, 0.0).allowed


def guesses_at_all(processes, emails, sender="a"):
    """How many passwords are looked at that come to each process in turn."""
    turns = [(one, email) for email in emails for one in processes]
    return sum(guesses(one, [sender], [email]) for one, email in turns)


def test_several_processes_together_are_as_slow_to_guess_at_as_one():
    _, processes, _ = together(4)
    assert guesses_at_all(processes, [OLGA] * 50) == LOGINS_BURST
    _, processes, _ = together(4)
    emails = [f"{n}@example.org" for n in range(100)]
    assert guesses_at_all(processes, emails) == ADDRESS_LOGINS_BURST
    _, processes, _ = together(4)
    allowed = [processes[n % 4].login(f"a{n}", OLGA, 0.0).allowed for n in range(1_000)]
    assert sum(allowed) == ACCOUNT_LOGINS_BURST


def test_several_processes_together_fill_nobody_s_letter_box():
    _, processes, _ = together(3)
    allowed = [one.mail("a", OLGA, 0.0).allowed for one in processes * 10]
    assert sum(allowed) == MAILS_BURST


def test_a_password_that_is_not_looked_at_is_told_to_nobody():
    wire, processes, _ = together(2)
    guesses_at_all(processes, [OLGA] * LOGINS_BURST)
    said = len(wire.said)
    guesses_at_all(processes, [OLGA] * 50)
    assert len(wire.said) == said == LOGINS_BURST


def test_without_the_bus_each_process_counts_for_itself():
    wire, processes, _ = together(3)
    wire.cut = True
    assert guesses_at_all(processes, [OLGA] * 50) == 3 * LOGINS_BURST
    wire.cut = False
    wire.publish("dear limits", b"\xc1 of another version")
    assert guesses_at_all(processes, ["karl@example.org"] * 50, "b") == LOGINS_BURST


def test_who_guessed_too_often_may_try_nothing_from_here_nor_as_who_they_are():
    limits = RequestLimits()
    for _ in range(GUESSES_BURST):
        assert limits.guess("192.0.2.1", "olga", 0.0, wrong=False).allowed
        assert limits.guess("192.0.2.1", "olga", 0.0, wrong=True).allowed
    for client, user in (("192.0.2.1", "bert"), ("192.0.2.2", "olga")):
        assert not limits.guess(client, user, 0.0, wrong=False).allowed
    assert limits.guess("192.0.2.2", "bert", 0.0, wrong=False).allowed
    # Ten a minute: one more is let by after six seconds.
    assert not limits.guess("192.0.2.1", "olga", 5.9, wrong=False).allowed
    assert limits.guess("192.0.2.1", "olga", 6.1, wrong=False).allowed
