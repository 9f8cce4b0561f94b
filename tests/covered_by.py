"""Which test file covers modules that have none of their own name.

A line without a folder stands for all files of that name, which mean the same in every
capability. What gets a test file of its own leaves this table: `tests/test_tidy.py`
says so.
"""

COVERS = {
    "tests/server/events/line/odds/test_making.py": [
        "server/events/line/odds/forecast.py",
        "server/events/line/odds/watching.py",
    ],
    "tests/server/events/line/rehearsal/test_sale.py": [
        "server/events/line/rehearsal/buyers.py",
        "server/events/line/rehearsal/people.py",
        "server/events/line/rehearsal/stage.py",
    ],
    "tests/server/events/line/rehearsal/test_report.py": [
        "server/events/line/rehearsal/running.py"
    ],
    "tests/server/events/line/rehearsal/test_service.py": [
        "persistence/events/line/rehearsals.py",
        "server/events/line/rehearsal/rest.py",
    ],
    "tests/server/events/line/waiters/test_waiters.py": [
        "server/events/line/waiters/leading.py"
    ],
    "tests/server/events/line/pace/test_conductor.py": [
        "server/events/line/pace/taking.py"
    ],
    "tests/server/events/line/transcript/test_writer.py": [
        "server/events/line/transcript/recorder.py",
        "server/events/line/transcript/taken.py",
    ],
    "tests/server/events/line/verify/test_checker_skips.py": [
        "server/events/line/verify/queues.py"
    ],
    "tests/server/events/line/verify/test_checker_naive.py": [
        "server/events/line/verify/turns.py"
    ],
    "tests/server/events/line/verify/test_checker.py": [
        "server/events/line/verify/entrants.py",
        "server/events/line/verify/form.py",
        "server/events/line/verify/holder.py",
        "server/events/line/verify/opening.py",
        "server/events/line/verify/options.py",
        "server/events/line/verify/report.py",
        "server/events/line/verify/witness.py",
    ],
    "tests/server/ops/cli/test_verify_transcript.py": [
        "server/events/line/verify/source.py"
    ],
    "tests/server/events/line/beacon/test_relays.py": [
        "server/events/line/beacon/relay.py"
    ],
    "tests/server/events/line/drawer/test_drawer.py": [
        "server/events/line/drawer/pages.py",
        "server/events/line/drawer/service.py",
        "server/events/line/transcript/journal.py",
        "server/events/line/transcript/service.py",
    ],
    "tests/contract/test_draw.py": [
        "server/events/catalogue/editing/line_terms.py",
        "server/events/line/beacon/beacons.py",
        "server/events/line/wire/rest_draw.py",
    ],
    "tests/contract/test_line.py": [
        "server/events/line/wire/bodies.py",
        "server/events/line/wire/frames.py",
        "server/events/line/wire/rest.py",
        "server/events/line/wire/rest_control.py",
    ],
    "tests/server/events/line/test_follower.py": ["persistence/events/line/turns.py"],
    "tests/contract/test_chat.py": [
        "server/community/chat/documents.py",
        "server/community/chat/frames.py",
        "server/community/chat/rest.py",
        "server/community/chat/rest_moderation.py",
        "server/community/chat/service.py",
    ],
    "tests/persistence/community/chat/test_messages.py": [
        "persistence/community/chat/rooms.py"
    ],
    "tests/persistence/events/line/test_lists.py": ["persistence/events/line/ranks.py"],
    "tests/server/community/support/test_service.py": [
        "persistence/community/support.py",
        "server/community/support/mails.py",
        "server/community/support/rest.py",
    ],
    "tests/server/shop/hooks/test_follower.py": ["persistence/shop/hooks.py"],
    "tests/server/people/hooks/test_rest.py": [
        "server/people/hooks/rest_deliveries.py"
    ],
    "tests/server/shop/payments/test_signing.py": [
        "server/transport/outbox/signatures.py"
    ],
    "tests/server/people/hooks/test_sender.py": [
        "persistence/people/hooks/deliveries.py",
        "server/people/hooks/discord.py",
    ],
    "tests/server/people/hooks/test_service.py": [
        "server/people/hooks/secret_box.py",
        "persistence/people/hooks/hooks.py",
    ],
    "tests/server/shop/orders/test_rules.py": [
        "persistence/shop/orders/records.py",
        "server/shop/orders/attempts.py",
        "server/shop/orders/facts.py",
    ],
    "tests/server/shop/orders/opening/test_service.py": [
        "persistence/shop/orders/openings.py",
        "server/shop/orders/opening/mails.py",
    ],
    "tests/server/shop/orders/driving/test_lookout.py": [
        "persistence/shop/orders/looks.py"
    ],
    "tests/server/shop/orders/webhooks/test_service.py": [
        "persistence/shop/orders/provider_events.py"
    ],
    "tests/server/shop/orders/letters/test_service.py": [
        "server/shop/orders/letters/rest.py"
    ],
    "tests/server/shop/orders/test_rest.py": [
        "persistence/shop/orders/giving_back.py",
        "persistence/shop/orders/listing.py",
        "server/shop/orders/bodies.py",
        "server/shop/orders/driving/news.py",
        "server/shop/orders/service.py",
        "server/shop/orders/webhooks/rest.py",
    ],
    "tests/server/shop/orders/giving/test_rest.py": [
        "server/shop/orders/giving/bodies.py",
        "server/shop/orders/giving/service.py",
    ],
    "tests/server/shop/orders/giving/test_event_refunds.py": [
        "persistence/shop/orders/cancelled.py"
    ],
    "tests/server/shop/tickets/transfers/test_service.py": [
        "persistence/shop/tickets/transfers.py",
        "server/shop/tickets/transfers/rest.py",
    ],
    "tests/persistence/shop/orders/test_orders.py": [
        "persistence/shop/orders/rows.py",
        "persistence/shop/orders/writing.py",
    ],
    "tests/persistence/followers/test_passes.py": ["persistence/followers/follower.py"],
    "tests/persistence/shop/promotions/test_promotions.py": [
        "persistence/shop/promotions/redemptions.py"
    ],
    "tests/server/shop/exports/test_rest.py": [
        "persistence/shop/exports.py",
        "server/shop/exports/service.py",
    ],
    "tests/server/shop/promotions/test_rest.py": [
        "server/shop/promotions/bodies.py",
        "server/shop/promotions/rest_numbers.py",
        "server/shop/promotions/service_numbers.py",
    ],
    "tests/server/shop/promotions/test_rules.py": [
        "persistence/shop/promotions/discounts.py"
    ],
    "tests/contract/test_money.py": ["server/shop/money/rest.py"],
    "tests/persistence/events/test_usage.py": ["persistence/quotas.py"],
    "tests/security/test_size.py": ["server/events/catalogue/editing/venue_time.py"],
    "tests/server/events/venues/test_reader.py": [
        "server/events/venues/bodies.py",
        "server/events/venues/reading.py",
    ],
    "tests/server/transport/children/test_workshop.py": [
        "server/transport/children/child.py"
    ],
    "tests/contract/test_backups.py": [
        "server/ops/cli/backup.py",
        "server/ops/cli/backup_images.py",
        "server/ops/cli/migrate.py",
    ],
    "tests/persistence/embedded/test_homes.py": ["persistence/embedded/moves.py"],
    "tests/persistence/test_backup.py": [
        "persistence/backup/__init__.py",
        "persistence/backup/archive.py",
        "persistence/backup/check.py",
        "persistence/backup/connection.py",
        "persistence/backup/dump.py",
        "persistence/backup/load.py",
        "persistence/backup/tables.py",
    ],
    "tests/cluster/processes/test_caches.py": ["server/ops/health/rest_caches.py"],
    "tests/cluster/processes/test_strangers.py": [
        "server/live/cluster/counts.py",
        "server/live/cluster/membership/start.py",
    ],
    "tests/cluster/test_bus.py": [
        "server/transport/bus/redis_bus.py",
        "server/transport/bus/redis_connection.py",
    ],
    "tests/cluster/test_bus_life.py": ["server/transport/bus/redis_link.py"],
    "tests/cluster/test_bus_shards.py": ["server/transport/bus/cluster_slots.py"],
    "tests/cluster/test_messages.py": ["server/live/cluster/messages.py"],
    "tests/cluster/test_placement.py": ["server/live/cluster/membership/placement.py"],
    "tests/cluster/test_supervisor.py": [
        "server/ops/process/child.py",
        "server/ops/process/messages.py",
        "server/ops/process/reserved_port.py",
        "server/ops/process/runner.py",
        "server/ops/process/supervisor.py",
        "server/ops/process/worker.py",
        "server/transport/bus/open.py",
    ],
    "tests/contract/test_accounts.py": [
        "server/people/accounts/rest_register.py",
        "server/people/auth/fields.py",
        "server/people/auth/rest_sessions.py",
        "server/people/auth/sessions.py",
        "server/people/auth/tokens/key_rotation.py",
        "server/people/auth/tokens/rest_keys.py",
    ],
    "tests/contract/test_analytics.py": ["server/events/analytics/rest.py"],
    "tests/contract/test_attendees.py": ["server/events/attendees/rest.py"],
    "tests/contract/test_persons.py": ["server/events/attendees/rest_persons.py"],
    "tests/contract/test_authorisation_matrix.py": ["server/transport/rest/guard.py"],
    "tests/contract/test_bad_frames.py": ["server/live/websocket/handler.py"],
    "tests/contract/test_bookings.py": ["server/events/bookings/rest.py"],
    "tests/contract/test_checkin.py": [
        "server/shop/checkin/frames.py",
        "server/shop/checkin/rest.py",
        "server/shop/checkin/rest_lists.py",
    ],
    "tests/server/shop/checkin/test_rules.py": ["persistence/shop/checkin/facts.py"],
    "tests/server/shop/checkin/test_service.py": [
        "server/shop/checkin/service_lists.py"
    ],
    "tests/contract/test_catalogue.py": [
        "server/events/catalogue/calendar/rest.py",
        "server/events/catalogue/editing/rest_duplicate.py",
        "server/events/catalogue/rest_list.py",
    ],
    "tests/contract/test_commands.py": ["server/events/sales/rest.py"],
    "tests/contract/test_docs_pages.py": ["server/ops/api/docs.py"],
    "tests/contract/test_faults.py": ["server/events/catalogue/checks.py"],
    "tests/contract/test_if_match.py": [
        "persistence/postgres/revisions.py",
        "server/events/catalogue/editing/rest.py",
    ],
    "tests/contract/test_images.py": [
        "server/events/images/open.py",
        "server/events/images/rest.py",
    ],
    "tests/contract/test_invitations.py": [
        "server/people/announcements/rest.py",
        "server/people/organisations/rest_invitations.py",
    ],
    "tests/contract/test_live_events.py": [
        "server/events/catalogue/feed.py",
        "server/events/catalogue/frames.py",
    ],
    "tests/contract/test_mails.py": ["server/people/accounts/rest_codes.py"],
    "tests/contract/test_operate.py": [
        "server/live/cluster/peers.py",
        "server/live/cluster/rest.py",
        "server/ops/cli/cluster.py",
    ],
    "tests/contract/test_organisations.py": [
        "server/people/api_keys/rest.py",
        "server/people/organisations/rest.py",
        "server/people/organisations/rest_join_requests.py",
        "server/people/organisations/rest_members.py",
        "server/people/organisations/rows.py",
    ],
    "tests/contract/test_reads.py": ["server/events/sales/rest_seats.py"],
    "tests/contract/test_start.py": [
        "server/__init__.py",
        "server/__main__.py",
        "server/ops/cli/main.py",
    ],
    "tests/contract/test_venue_edits.py": ["server/events/venues/rest_edit.py"],
    "tests/contract/test_venues_events.py": [
        "server/events/catalogue/rest.py",
        "server/events/sales/rest_state.py",
        "server/events/venues/rest.py",
        "server/events/venues/rest_preview.py",
    ],
    "tests/contract/test_tickets.py": [
        "server/shop/tickets/pictures/rest.py",
        "server/shop/tickets/rest.py",
    ],
    "tests/server/shop/tickets/test_follower.py": [
        "persistence/shop/tickets/booked.py",
        "persistence/shop/tickets/register.py",
    ],
    "tests/server/transport/outbox/test_rest_bounces.py": ["persistence/bounces.py"],
    "tests/server/transport/outbox/test_rest.py": [
        "server/transport/outbox/channels.py"
    ],
    "tests/server/people/notices/test_job.py": ["persistence/people/notices/rounds.py"],
    "tests/server/people/notices/test_composer.py": [
        "server/people/notices/formats.py"
    ],
    "tests/server/people/notices/test_rest.py": ["server/people/notices/news.py"],
    "tests/server/people/notices/test_follower.py": [
        "server/events/catalogue/calendar/files.py",
        "server/shop/tickets/pictures/files.py",
        "server/transport/mail/composed.py",
    ],
    "tests/server/shop/tickets/test_keyring.py": ["persistence/shop/tickets/keys.py"],
    "tests/server/shop/tickets/test_service.py": [
        "persistence/shop/tickets/tickets.py"
    ],
    "tests/persistence/embedded/test_embedded.py": [
        "persistence/embedded/__init__.py",
        "persistence/embedded/account.py",
        "persistence/embedded/binaries.py",
        "persistence/embedded/cluster.py",
        "persistence/embedded/places.py",
        "persistence/embedded/postmaster.py",
    ],
    "tests/persistence/embedded/test_valkey.py": ["persistence/embedded/child.py"],
    "tests/persistence/test_processes.py": ["persistence/limits.py"],
    "tests/security/test_secrets.py": ["server/transport/http/http_log.py"],
    "tests/server/base/test_settings.py": ["server/base/instance.py"],
    "tests/server/shop/payments/gateway/test_gateway.py": [
        "server/shop/payments/gateway/command.py",
        "server/shop/payments/gateway/deliveries.py",
        "server/shop/payments/gateway/handlers.py",
    ],
    "tests/server/shop/payments/test_capability.py": ["server/shop/payments/secret.py"],
    "tests/server/shop/payments/stripe/test_asking.py": [
        "server/shop/payments/stripe/transport.py"
    ],
    "tests/server/shop/payments/stripe/test_webhooks.py": [
        "server/shop/payments/stripe/shapes.py"
    ],
    "tests/server/shop/payments/test_gateway_provider.py": [
        "server/shop/payments/gateway/wire.py",
        "server/shop/payments/provider.py",
    ],
    "tests/server/events/catalogue/test_bodies.py": [
        "server/events/catalogue/editing/duplicating.py",
        "server/transport/rest/fields.py",
        "server/transport/rest/times.py",
    ],
    "tests/server/events/images/test_stores.py": ["server/events/images/s3.py"],
    "tests/server/live/fanout/test_hub.py": ["server/live/fanout/board.py"],
    "tests/server/live/websocket/test_frame_table.py": [
        "server/transport/capability/frame_row.py"
    ],
    "tests/server/live/websocket/test_session.py": [
        "server/base/limits.py",
        "server/live/actors/envelopes.py",
        "server/live/websocket/rates.py",
        "server/live/websocket/kept.py",
        "server/live/websocket/watching.py",
    ],
    "tests/server/ops/api/test_asyncapi.py": ["server/ops/api/socket_examples.py"],
    "tests/server/ops/api/test_openapi.py": [
        "examples.py",
        "problems.py",
        "server/ops/api/guide.py",
        "server/ops/api/schemas.py",
        "server/transport/rest/route.py",
        "server/transport/rest/story.py",
    ],
    "tests/server/ops/demo/test_demo.py": [
        "server/base/paths.py",
        "server/ops/demo/admin_client.py",
        "server/ops/demo/buyer.py",
        "server/ops/demo/buyers.py",
        "server/ops/demo/cashier.py",
        "server/ops/demo/children.py",
        "server/ops/demo/command.py",
        "server/ops/demo/crowds.py",
        "server/ops/demo/ledger.py",
        "server/ops/demo/progress.py",
        "server/ops/demo/reports.py",
        "server/ops/demo/stage.py",
        "server/ops/demo/visitor.py",
        "server/transport/client/board.py",
        "server/transport/client/latencies.py",
        "server/transport/client/websocket.py",
    ],
    "tests/server/ops/demo/line/test_command.py": [
        "server/ops/demo/line/crowd.py",
        "server/ops/demo/line/progress.py",
        "server/ops/demo/line/reports.py",
    ],
    "tests/server/ops/demo/line/test_person.py": [
        "server/ops/demo/line/ledger.py",
        "server/ops/demo/line/story.py",
    ],
    "tests/server/ops/health/test_rest.py": [
        "server/transport/metrics/counting.py",
        "server/transport/http/app_keys.py",
    ],
    "tests/server/pages/test_pages.py": ["server/pages/serve.py"],
    "tests/persistence/people/test_api_keys.py": ["persistence/people/leaving.py"],
    "tests/server/people/accounts/test_mails.py": ["server/transport/mail/codes.py"],
    "tests/server/people/activity/test_middleware.py": [
        "server/transport/rest/notes.py"
    ],
    "tests/server/people/activity/test_stream.py": ["server/people/activity/limits.py"],
    "tests/server/people/auth/tokens/test_tokens.py": [
        "server/base/identity.py",
        "server/people/auth/lifetimes.py",
    ],
    "tests/server/transport/http/test_client_address.py": ["server/base/networks.py"],
    "tests/server/transport/http/test_compression.py": [
        "server/transport/http/compressor.py"
    ],
    "tests/server/transport/rest/test_served.py": [
        "capability.py",
        "server/app.py",
        "server/events/audit/rest.py",
        "server/transport/capability/carriers.py",
        "server/transport/rest/call.py",
    ],
    "tests/simulation/test_simulation.py": [
        "server/live/cluster/cluster.py",
        "server/live/cluster/follower.py",
        "server/live/cluster/forwarder.py",
        "server/live/cluster/membership/adoption.py",
        "server/live/cluster/membership/members.py",
        "server/live/cluster/owner.py",
    ],
}

COVERED_BY = {module: test for test, modules in COVERS.items() for module in modules}
"""The same, by module."""
