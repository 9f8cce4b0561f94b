"""Which tests are asked about a bug in which file, the quickest first."""

import sys

Detector = tuple[str, ...]

PYTEST = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
QUICKLY = ("--loop", "asyncio", "--timeout", "30", "--durations", "0")


def pytest(*targets: str) -> Detector:
    return (*PYTEST, *QUICKLY, *targets)


SIMULATION: Detector = (
    *("-m", "tests.simulation", "--seeds", "60", "--jobs", "1"),
    *("--stop", "--no-shrink"),
)
LINED: Detector = (*SIMULATION, "--lined", "--commands", "300")
OF_LINES = (
    "inventory/actor.py",
    "inventory/drain.py",
    "inventory/line/",
    "inventory/rules/line",
    "server/events/line/",
)
"""Where worlds with lines show what is wrong, after all else was asked."""

CORE = pytest("tests/inventory", "--ignore", "tests/inventory/venue")
TABLES = pytest(
    "tests/persistence/journal/test_journal.py",
    "tests/persistence/journal/test_fencer.py",
    "tests/persistence/journal/test_batch_rows.py",
)
LANES = pytest(
    "tests/persistence/journal/test_lanes.py",
    "tests/persistence/postgres/test_connection.py",
)
FAILOVER = pytest("tests/persistence/postgres/test_connection_replication.py")
RACES = pytest("tests/race/test_journals.py")
REALTIME = pytest("tests/server/live")
CONTRACT = pytest("tests/contract/test_watch.py", "tests/contract/test_keys.py")

HOOKS = pytest("tests/persistence/people/hooks", "tests/server/people/hooks")
SUPPORT = pytest("tests/server/community/support")
TICKETS = pytest("tests/server/shop/tickets")
STRIPE = pytest(
    "tests/server/shop/payments/stripe/test_webhooks.py",
    "tests/server/shop/payments/stripe/test_currencies.py",
    "tests/server/shop/payments/stripe/test_provider.py",
    "tests/server/shop/payments/stripe/test_asking.py",
)
OPENING = pytest("tests/server/shop/orders/opening/test_service.py")

LETTERS = pytest("tests/server/shop/orders/letters")
GIVING = pytest(
    "tests/server/shop/orders/giving/test_giver.py",
    "tests/server/shop/orders/giving/test_event_refunds.py",
)
PROMOTED = pytest("tests/persistence/shop/promotions/test_promotions.py")

PACE = pytest("tests/server/events/line/pace/test_conductor.py")
GATES = pytest("tests/server/events/line/gates/test_gatekeeper.py")
LINE_ROWS = pytest("tests/persistence/events/line")

LINE = pytest(
    "tests/inventory/line",
    "tests/inventory/rules/test_line.py",
    "tests/inventory/rules/test_line_after.py",
    "tests/inventory/rules/test_line_guard.py",
    "tests/inventory/rules/test_line_places.py",
    "tests/inventory/rules/test_line_turns.py",
    "tests/inventory/rules/test_line_wishes.py",
    "tests/inventory/test_drain.py",
    "tests/inventory/test_actor_line.py",
)

DRAW = pytest(
    "tests/inventory/line/test_draw.py", "tests/inventory/line/test_canonical.py"
)
VERIFY = pytest("tests/server/events/line/verify")
TRANSCRIPT = pytest("tests/server/events/line/transcript")
BEACON = pytest("tests/server/events/line/beacon")

DRAWER = pytest(
    "tests/server/events/line/drawer/test_drawer.py",
    "tests/server/events/line/drawer/test_drawers.py",
    "tests/server/events/line/drawer/test_telling.py",
)

DEMO_LINE = pytest(
    "tests/server/ops/demo/line/test_person.py",
    "tests/server/ops/demo/line/test_checking.py",
    "tests/server/ops/demo/line/test_command.py",
)

_BY_FOLDER: dict[str, list[Detector]] = {
    "server/ops/demo/line/": [DEMO_LINE],
    "inventory/line/draw.py": [DRAW],
    "inventory/line/canonical.py": [DRAW],
    "inventory/line/": [LINE],
    "inventory/rules/line": [LINE],
    "inventory/": [CORE, SIMULATION],
    "persistence/migrations/": [TABLES, LANES, FAILOVER, RACES],
    "persistence/shop/tickets/": [TICKETS, SIMULATION],
    "persistence/events/line/lists.py": [LINE_ROWS, DRAWER],
    "persistence/events/line/": [LINE_ROWS, DRAWER],
    "persistence/followers/": [SIMULATION],
    "persistence/people/hooks/": [HOOKS],
    "persistence/community/chat/": [pytest("tests/persistence/community/chat")],
    "persistence/community/": [SUPPORT],
    "persistence/shop/orders/openings.py": [LETTERS],
    "persistence/people/notices/notices.py": [LETTERS],
    "server/shop/orders/letters/": [LETTERS],
    "persistence/": [TABLES, LANES, FAILOVER, RACES],
    "server/community/chat/": [pytest("tests/server/community/chat")],
    "server/shop/counter/": [pytest("tests/server/shop/counter")],
    "server/shop/orders/giving/": [
        pytest("tests/server/shop/orders/giving/test_rules.py"),
        GIVING,
        SIMULATION,
    ],
    "server/events/cockpit/": [pytest("tests/server/events/cockpit")],
    "server/events/line/odds/words.py": [
        pytest("tests/server/events/line/odds/test_words.py")
    ],
    "server/events/line/odds/": [
        pytest("tests/server/events/line/odds/test_making.py")
    ],
    "server/events/line/rehearsal/": [
        pytest("tests/server/events/line/rehearsal/test_sale.py")
    ],
    "server/events/line/gates/": [
        pytest(
            "tests/server/events/line/gates/test_rules.py",
            "tests/server/events/line/gates/test_work.py",
            "tests/server/events/line/gates/test_captcha.py",
        ),
        GATES,
    ],
    "server/events/line/beacon/": [BEACON],
    "server/events/line/drawer/": [DRAWER],
    "server/events/line/messages/": [pytest("tests/server/events/line/messages")],
    "server/events/line/opening.py": [
        pytest("tests/server/events/line/test_opening.py"),
        DRAWER,
    ],
    "server/events/line/drawing/": [pytest("tests/server/events/line/drawing")],
    "server/events/line/place_token.py": [
        pytest("tests/server/events/line/test_place_token.py")
    ],
    "server/events/line/transcript/service.py": [DRAWER],
    "server/events/line/transcript/": [TRANSCRIPT],
    "server/events/line/verify/": [VERIFY],
    "server/events/line/waiters/": [
        pytest("tests/server/events/line/waiters/test_waiters.py")
    ],
    "server/events/venues/": [
        pytest("tests/server/events/venues/test_map_cache.py"),
        pytest("tests/server/events/venues/test_reader.py"),
        pytest("tests/contract/test_authorisation_matrix.py"),
    ],
    "server/pages/": [pytest("tests/server/pages")],
    "server/people/hooks/": [HOOKS, SIMULATION],
    "server/shop/hooks/": [pytest("tests/server/shop/hooks"), SIMULATION],
    "server/shop/": [pytest("tests/server/shop/orders/test_rules.py"), SIMULATION],
    "server/people/": [pytest("tests/server/people"), SIMULATION],
    "server/shop/tickets/": [TICKETS],
    "server/": [REALTIME, SIMULATION, CONTRACT],
}
_BY_FILE: dict[str, Detector] = {
    "inventory/actor.py": pytest(
        "tests/inventory/test_actor_sale.py",
        "tests/inventory/test_actor.py",
        "tests/inventory/test_actor_keys.py",
        "tests/inventory/test_actor_doubt.py",
        "tests/inventory/test_actor_life.py",
    ),
    "inventory/drain.py": pytest(
        "tests/inventory/test_actor_sale.py",
        "tests/inventory/test_actor.py",
        "tests/inventory/test_actor_keys.py",
        "tests/inventory/test_actor_doubt.py",
    ),
    "inventory/event_time.py": pytest("tests/inventory/test_event_time.py"),
    "inventory/batch.py": pytest("tests/inventory/test_batch.py"),
    "inventory/hoarding.py": pytest("tests/inventory/rules"),
    "inventory/keys.py": pytest(
        "tests/inventory/test_keys.py", "tests/inventory/test_actor_keys.py"
    ),
    "inventory/loading.py": pytest("tests/inventory/test_loading.py"),
    "inventory/snapshot.py": pytest("tests/inventory/test_snapshot.py"),
    "inventory/state.py": pytest("tests/inventory/test_state.py"),
    "inventory/prices.py": pytest(
        "tests/inventory/test_prices.py", "tests/inventory/rules"
    ),
    "inventory/pledges.py": pytest("tests/inventory/rules"),
    "inventory/rules/types.py": pytest("tests/inventory/rules"),
    "inventory/rules/pledges.py": pytest("tests/inventory/rules"),
    "inventory/rules/settings.py": pytest("tests/inventory/rules"),
    "inventory/rules/holds.py": pytest("tests/inventory/rules"),
    "inventory/rules/hoarding.py": pytest("tests/inventory/rules"),
    "inventory/rules/common.py": pytest("tests/inventory/rules"),
    "inventory/rules/bookings.py": pytest("tests/inventory/rules"),
    "inventory/rules/sale.py": pytest("tests/inventory/rules"),
    "persistence/events/attendees.py": pytest(
        "tests/persistence/events/test_attendees.py"
    ),
    "persistence/analytics/rollup.py": pytest(
        "tests/persistence/analytics/test_rollup.py"
    ),
    "persistence/journal/stretches.py": pytest(
        "tests/persistence/journal/test_stretches.py",
        "tests/persistence/analytics/test_rollup.py",
    ),
    "persistence/shop/promotions/numbers.py": pytest(
        "tests/persistence/shop/promotions/test_numbers.py"
    ),
    "persistence/shop/promotions/promotions.py": pytest(
        "tests/server/shop/promotions/test_rest.py"
    ),
    "server/shop/promotions/service_numbers.py": pytest(
        "tests/server/shop/promotions/test_rest.py"
    ),
    "persistence/people/join_requests.py": pytest(
        "tests/server/people/organisations/joining"
    ),
    "persistence/migrations/0046_disputes.sql": HOOKS,
    "persistence/migrations/0047_line.sql": pytest(
        "tests/persistence/journal/test_stretches.py",
        "tests/persistence/events/line/test_joining.py",
        "tests/persistence/events/line/test_feeding.py",
    ),
    "persistence/migrations/0050_gates.sql": GATES,
    "server/events/line/pace/keeping.py": pytest(
        "tests/server/events/line/pace/test_keeping.py"
    ),
    "server/events/line/rules.py": pytest("tests/server/events/line/test_rules.py"),
    "server/events/line/feeder.py": pytest("tests/server/events/line/test_feeder.py"),
    "server/events/line/opening.py": pytest("tests/server/events/line/test_opening.py"),
    "server/events/line/service.py": pytest("tests/server/events/line/test_service.py"),
    "server/events/line/leaving.py": pytest("tests/server/events/line/test_leaving.py"),
    "server/events/line/follower.py": pytest(
        "tests/server/events/line/test_follower.py"
    ),
    "server/events/line/pace/averages.py": pytest(
        "tests/server/events/line/pace/test_averages.py",
        "tests/server/events/line/pace/test_conductor.py",
    ),
    "server/events/line/pace/conductor.py": PACE,
    "server/events/line/pace/rate.py": pytest(
        "tests/server/events/line/pace/test_rate.py",
        "tests/server/events/line/pace/test_conductor.py",
    ),
    "server/events/line/pace/taking.py": PACE,
    "server/events/line/waiters/crowd.py": pytest(
        "tests/server/events/line/waiters/test_crowd.py"
    ),
    "server/events/line/waiters/presence.py": pytest(
        "tests/server/events/line/waiters/test_presence.py"
    ),
    "server/events/line/waiters/state.py": pytest(
        "tests/server/events/line/waiters/test_state.py"
    ),
    "server/base/pressure/pressure.py": pytest("tests/server/base/pressure"),
    "server/events/line/news.py": pytest("tests/server/events/line/test_news.py"),
    "persistence/followers/passes.py": pytest("tests/persistence/followers"),
    "persistence/jobs.py": pytest("tests/persistence/test_jobs.py"),
    "persistence/shop/confirmations.py": pytest(
        "tests/persistence/shop/test_confirmations.py"
    ),
    "persistence/analytics/tally.py": pytest(
        "tests/persistence/analytics/test_tally.py",
        "tests/persistence/analytics/test_rollup.py",
    ),
    "persistence/analytics/paid.py": pytest("tests/persistence/analytics/test_paid.py"),
    "persistence/shop/money/entries.py": pytest(
        "tests/persistence/shop/money/test_entries.py"
    ),
    "persistence/shop/money/sums.py": pytest(
        "tests/persistence/shop/money/test_sums.py"
    ),
    "persistence/shop/money/audit.py": pytest(
        "tests/persistence/shop/money/test_audit.py"
    ),
    "server/shop/money/pricing.py": pytest("tests/server/shop/money/test_pricing.py"),
    "server/shop/money/ledger.py": pytest("tests/server/shop/money/test_ledger.py"),
    "server/shop/orders/attempts.py": pytest(
        "tests/persistence/shop/money/test_sums.py",
        "tests/server/shop/orders/giving/test_rules.py",
    ),
    "server/shop/orders/driving/driver.py": GIVING,
    "server/shop/orders/giving/service.py": pytest(
        "tests/server/shop/orders/giving/test_rest.py"
    ),
    "server/live/followers/following.py": pytest("tests/server/live/followers"),
    "server/live/followers/followers.py": pytest("tests/server/live/followers"),
    "server/transport/jobs/scheduler.py": pytest("tests/server/transport/jobs"),
    "persistence/migrations/0044_promotions.sql": PROMOTED,
    "persistence/shop/orders/orders.py": PROMOTED,
    "persistence/shop/exports.py": pytest("tests/server/shop/exports/test_rest.py"),
    "server/shop/exports/tables.py": pytest("tests/server/shop/exports/test_tables.py"),
    "server/shop/promotions/rules.py": pytest(
        "tests/server/shop/promotions/test_rules.py"
    ),
    "server/shop/promotions/service.py": pytest(
        "tests/server/shop/promotions/test_service.py"
    ),
    "persistence/shop/orders/openings.py": OPENING,
    "server/shop/orders/opening/service.py": OPENING,
    "server/base/access.py": pytest("tests/server/shop/orders/opening/test_rest.py"),
    "persistence/shop/orders/provider_events.py": pytest(
        "tests/server/shop/orders/webhooks"
    ),
    "server/shop/orders/by_hand.py": pytest("tests/server/shop/orders/test_by_hand.py"),
    "server/shop/orders/driving/lookout.py": pytest(
        "tests/server/shop/orders/driving/test_lookout.py"
    ),
    "server/shop/payments/gateway/machine.py": pytest(
        "tests/server/shop/payments/gateway/test_machine.py"
    ),
    "server/shop/payments/gateway_provider.py": pytest(
        "tests/server/shop/payments/test_gateway_provider.py",
        "tests/server/shop/payments/gateway/test_disputes.py",
    ),
    **dict.fromkeys(
        (
            "server/shop/payments/stripe/asking.py",
            "server/shop/payments/stripe/currencies.py",
            "server/shop/payments/stripe/provider.py",
            "server/shop/payments/stripe/shapes.py",
            "server/shop/payments/stripe/transport.py",
            "server/shop/payments/stripe/webhooks.py",
        ),
        STRIPE,
    ),
    **dict.fromkeys(
        (
            "server/shop/orders/webhooks/service.py",
            "server/events/catalogue/service.py",
        ),
        pytest("tests/server/shop/payments/stripe/test_server.py"),
    ),
    **dict.fromkeys(
        ("server/shop/orders/disputes.py", "server/shop/orders/driving/telling.py"),
        pytest("tests/server/shop/orders/test_disputes.py"),
    ),
    "server/shop/orders/rules.py": pytest("tests/server/shop/orders/test_looks.py"),
    "server/people/notices/follower.py": pytest(
        "tests/server/people/notices/test_follower.py",
        "tests/server/people/notices/test_job.py",
    ),
    "server/transport/mail/sender.py": pytest(
        "tests/server/people/notices/test_follower.py"
    ),
    "server/people/notices/formats.py": pytest(
        "tests/server/people/notices/test_composer.py"
    ),
    "persistence/people/notices/notices.py": pytest(
        "tests/persistence/people/notices/test_notices.py",
        "tests/server/people/organisations/joining",
    ),
    "persistence/people/notices/rounds.py": pytest(
        "tests/server/people/notices/test_job.py",
        "tests/persistence/events/test_venue_edits.py",
    ),
    "persistence/events/venue_edits.py": pytest(
        "tests/persistence/events/test_venue_edits.py"
    ),
    "persistence/people/hooks/outbox.py": pytest(
        "tests/persistence/people/hooks/test_outbox.py"
    ),
    "persistence/people/invitations.py": pytest(
        "tests/persistence/people/test_invitations.py"
    ),
    "server/people/activity/middleware.py": pytest(
        "tests/server/people/activity/test_middleware.py"
    ),
    "server/transport/mail/languages.py": pytest(
        "tests/server/transport/mail/test_languages.py"
    ),
    "server/transport/mail/words.py": pytest(
        "tests/server/transport/mail/test_words.py"
    ),
    "persistence/bounces.py": pytest(
        "tests/server/transport/outbox/test_rest_bounces.py"
    ),
    "persistence/mail.py": pytest(
        "tests/persistence/test_mail.py", "tests/server/transport/outbox/test_rest.py"
    ),
    "server/shop/tickets/pictures/files.py": pytest(
        "tests/server/people/notices/test_registered.py",
        "tests/server/people/notices/test_follower.py",
    ),
    "server/people/notices/composer.py": pytest(
        "tests/server/people/notices/test_composer.py"
    ),
    "server/shop/orders/service.py": pytest(
        "tests/server/shop/orders/test_rest.py",
        "tests/server/shop/promotions/test_service.py",
        "tests/server/shop/promotions/test_rest.py",
    ),
    "persistence/migrations/0038_scan.sql": pytest(
        "tests/persistence/shop/checkin/test_scans.py",
        "tests/persistence/shop/checkin/test_merge.py",
    ),
    "persistence/shop/checkin/merge.py": pytest(
        "tests/persistence/shop/checkin/test_merge.py"
    ),
    "persistence/shop/checkin/lists.py": pytest(
        "tests/persistence/shop/checkin/test_lists.py"
    ),
    "server/shop/checkin/rules.py": pytest("tests/server/shop/checkin/test_rules.py"),
    "server/shop/checkin/codes.py": pytest("tests/server/shop/checkin/test_codes.py"),
    "server/shop/checkin/service.py": pytest(
        "tests/server/shop/checkin/test_service.py"
    ),
    "server/live/fanout/hub.py": pytest("tests/server/live/fanout"),
    "server/events/attendees/service.py": pytest("tests/server/events/attendees"),
    "persistence/shop/tickets/register.py": pytest(
        "tests/server/shop/tickets/test_service.py"
    ),
    "persistence/shop/tickets/tickets.py": pytest(
        "tests/server/shop/tickets/test_service.py"
    ),
    "server/shop/tickets/follower.py": pytest(
        "tests/server/shop/tickets/test_service.py",
        "tests/server/shop/tickets/test_follower.py",
    ),
    "server/shop/tickets/keyring.py": pytest(
        "tests/server/shop/tickets/test_keyring.py"
    ),
    "server/shop/tickets/rules.py": pytest("tests/server/shop/tickets/test_rules.py"),
    "server/shop/tickets/service.py": pytest(
        "tests/server/shop/tickets/test_service.py"
    ),
    "server/shop/tickets/token.py": pytest("tests/server/shop/tickets/test_token.py"),
    "persistence/journal/lanes.py": LANES,
    "persistence/postgres/connection.py": LANES,
}


def detectors_of(file: str) -> list[Detector]:
    """Return what is asked about a bug in this file, in order."""
    first = _BY_FILE.get(file)
    folder = next(one for one in _BY_FOLDER if file.startswith(one))
    rest = [one for one in _BY_FOLDER[folder] if one != first]
    if file.startswith(OF_LINES):
        rest.append(LINED)
    return rest if first is None else [first, *rest]


def command_of(detector: Detector) -> list[str]:
    return [sys.executable, *detector]
