"""A newcomer does everything that the description of the interface has, from it alone.

The story is one test, because each step needs what those before it made: who calls what
with which example. That nothing is left out, the description itself tells.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.shop.orders.examples import BUYER, SECRET
from server.transport.rest.story import EVENT_ID, OTHER_PASSWORD, TICKET_CODE, TICKET_ID
from tests.contract.client import Api
from tests.contract.newcomer import Newcomer, frames_in
from tests.contract.process import ADMIN_EMAIL, ADMIN_PASSWORD, Server
from tests.contract.test_mails import RESET, VERIFY
from tests.pictures import picture
from tests.post_office import PostOffice

OLGA, BERT, CLEO, DORA = (
    f"{name}@example.org" for name in ("olga", "bert", "cleo", "dora")
)
EMIL_ID = "per_2Wq8vB0nMxK5tJ7hRzLcYg"
"""The one whom the answer's example of `create_person` has."""
DORA_ID = "usr_7dQx3mWcVtB1nZyKj5hFpA"
"""The user that the answer's example of `create_user` has."""
INVITED = "You are invited"
REGISTERED = "You are registered"
DUPLICATE = "evt_b2VfYQ3tJ6mRw8xKpL0sZg"
"""The event that the answer's example of `duplicate_event` has."""
VENUE_COPY = "ven_8qVnT2xWc5LrYd1oKb7JmA"
"""The venue that the answer's example of `duplicate_venue` has."""

REFUSED = {
    ("pay_order", None),
    ("take_payment_webhook", None),
    ("retry_refund", None),
    ("note_refund", None),
    ("accept_transfer", None),
    ("draw_line", None),
    ("restart_line", None),
    ("show_entrants", None),
}
"""What nobody can do who has no provider of payment, no code of a mail, or a line of
which nothing is drawn."""

LOOKS = (
    "show_alive",
    "show_ready",
    "show_health",
    "show_metrics",
    "show_openapi",
    "show_asyncapi",
    "show_docs",
    "show_docs_asset",
    "show_try",
    "show_token_keys",
    "show_receipt_key",
    "show_ticket_keys",
)


@pytest.fixture
async def newcomer(mailing: Server, office: PostOffice) -> AsyncIterator[Newcomer]:
    async with Api(mailing) as api:
        yield await Newcomer.arrive(api, office)


async def asks_for_mails(one: Newcomer) -> None:
    """Do first what is answered by mail: the server sends it every two seconds."""
    await one.does("guest", "create_guest")
    await one.does("guest", "show_me")
    for name in ("olga", "bert", "cleo"):
        await one.does(name, "register", name)
    # Two mails to one address may come in any order, so this is not Olga.
    await one.does("cleo", "resend_code")
    await one.does("olga", "forgot_password")
    await one.does("olga", "create_organisation")
    await one.does("olga", "delete_organisation")
    await one.does("olga", "create_organisation")
    await one.does("olga", "create_invitation", "cleo")
    await one.does("olga", "create_invitation", "bert")
    await one.does("olga", "create_event", "registration")
    await one.does("olga", "publish_event")
    await one.does("guest", "create_attendee", "dora")


async def keeps_an_account(one: Newcomer) -> None:
    await one.reads_code(OLGA, VERIFY)
    await one.does("olga", "verify_email")
    assert (await one.does("olga", "show_me"))["email_verified"] is True
    await one.does("olga", "edit_me", "name")
    await one.does("olga", "refresh")
    await one.reads_code(OLGA, RESET)
    await one.does("olga", "reset_password")
    await one.does("olga", "log_in", "olga", password=OTHER_PASSWORD)
    await one.does("olga", "change_password")
    await one.lists("olga", "list_sessions")
    await one.does("olga", "end_session")
    for ends in ("log_out", "log_out_everywhere"):
        await one.does("olga", "log_in", "olga")
        await one.does("olga", ends)
    await one.does("olga", "log_in", "olga")
    await one.lists("olga", "list_my_activity")


async def leads_an_organisation(one: Newcomer) -> None:
    await one.does("olga", "edit_organisation")
    await one.lists("olga", "list_organisations")
    await one.lists("olga", "list_invitations")
    await one.does("olga", "show_invitation")
    await one.reads_code(BERT, VERIFY)
    await one.does("bert", "verify_email")
    await one.reads_code(BERT, INVITED)
    await one.does("bert", "show_offer")
    await one.does("bert", "accept_invitation")
    await one.reads_code(CLEO, INVITED)
    await one.does("cleo", "decline_invitation")
    await one.does("olga", "create_invitation", "cleo")
    await one.does("olga", "withdraw_invitation")
    await one.does("cleo", "show_organisation")
    await one.does("cleo", "create_join_request")
    await one.lists("olga", "list_join_requests")
    await one.lists("cleo", "list_my_join_requests")
    await one.does("cleo", "show_join_request")
    await one.does("olga", "decline_join_request")
    await one.does("cleo", "create_join_request")
    await one.does("cleo", "withdraw_join_request")
    await one.does("cleo", "create_join_request")
    await one.does("olga", "accept_join_request")
    await one.lists("olga", "list_members")
    await one.does("olga", "edit_member")
    await one.does("olga", "create_announcement", "members")
    await one.lists("olga", "list_organisation_activity")


async def takes_registrations(one: Newcomer) -> None:
    await one.reads_code(DORA, REGISTERED)
    await one.does("nobody", "cancel_registration")
    await one.does("olga", "create_person")
    await one.lists("olga", "list_persons")
    await one.does("olga", "show_person", attendee=EMIL_ID)
    await one.does("olga", "create_attendee", "emil")
    await one.does("olga", "delete_person", attendee=EMIL_ID)
    await one.does("olga", "create_attendee", "olga")
    await one.lists("olga", "list_attendees")
    await one.does("olga", "show_attendee")
    await one.lists("olga", "list_my_registrations")
    await one.does("olga", "cancel_attendee")


async def puts_an_event_on_sale(one: Newcomer) -> None:
    await one.does("olga", "preview_venue")
    await one.does("olga", "create_venue")
    await one.lists("guest", "list_venues")
    for reads in ("show_venue", "show_venue_map", "show_map_schema"):
        await one.does("guest", reads)
    await one.does("olga", "edit_venue")
    await one.does("olga", "duplicate_venue")
    await one.does("olga", "delete_venue", venue=VENUE_COPY)
    # Nobody takes money here: what is paid before it is booked has tests of its own.
    await one.does("olga", "create_event", "paid")
    await one.does("olga", "delete_event")
    await one.does("olga", "create_event", "venue")
    await one.does("olga", "edit_event", "details")
    await one.does("olga", "upload_image", data=picture())
    await one.does("guest", "show_image")
    await one.does("olga", "duplicate_event")
    await one.does("olga", "edit_event", "schedule", event=DUPLICATE)
    scheduled = await one.does("olga", "publish_event", event=DUPLICATE)
    assert scheduled["status"] == "scheduled"
    await one.lists("olga", "list_organisation_events")
    await one.lists("olga", "list_my_events")
    await one.lists("olga", "list_my_venues")
    await one.does("olga", "delete_event", event=DUPLICATE)
    await one.does("olga", "delete_image")
    on_sale = await one.does("olga", "publish_event")
    assert on_sale["status"] == "on_sale"
    await one.lists("guest", "list_events")
    for reads in ("show_event", "show_calendar", "show_map", "show_availability"):
        await one.does("guest", reads)


async def waits(one: Newcomer) -> None:
    """Wait for places that the venue does not have, so that nothing is offered."""
    await one.does("olga", "open_line")
    await one.does("guest", "show_line")
    await one.does("guest", "show_challenge")
    await one.does("guest", "join_line")
    await one.does("nobody", "open_place")
    await one.does("guest", "leave_line")
    await one.does("cleo", "join_line")
    await one.does("cleo", "show_place")
    await one.does("cleo", "change_place")
    await one.lists("cleo", "list_places")
    for changes in ("change_line", "pause_line", "resume_line"):
        await one.does("olga", changes)
    # Nothing is drawn in a waitlist.
    for draws in ("draw_line", "restart_line"):
        await one.is_refused("olga", draws, "wrong_state")
    await one.is_refused("guest", "show_entrants", "bad_field")
    await one.does("guest", "show_transcript")
    await one.does("olga", "say_to_line")
    await one.lists("guest", "list_line_messages")
    await one.does("guest", "show_line_message")
    await one.does("olga", "start_rehearsal")
    await one.lists("olga", "list_rehearsals")
    for looks in ("show_rehearsal", "delete_rehearsal"):
        await one.does("olga", looks)


async def listens(one: Newcomer) -> None:
    frames = frames_in(await one.does("cleo", "show_asyncapi"))
    await talks(one, [one for one in frames if "room" in one or "token" in one])
    async with await one.api.socket() as socket:
        for frame in frames:
            if "room" in frame:
                continue
            if frame["op"] == "extend_turn":
                # Nobody is served: the event has none of what is waited for.
                asked = one.real({"event": frame["event"]})
                await socket.refused("turn_over", "extend_turn", **asked)
                continue
            await one.says("cleo", socket, frame)
            if frame["op"] == "watch":
                await socket.next("snapshot")
            if frame["op"] == "hold":
                await socket.next("delta")
            if "events" in frame:
                heard = len(socket.log)
                await one.does("olga", "pause_event")
                # New, where it was published a moment ago; updated, where before.
                await socket.find(lambda one: one.get("status") == "paused", heard)
                await one.does("olga", "resume_event")


async def talks(one: Newcomer, frames: list[dict[str, Any]]) -> None:
    """Talk in the room of an event that one runs."""
    await one.does("olga", "list_rooms", query=one.real({"event": EVENT_ID}))
    for acts in ("say_in_room", "list_messages", "show_room", "edit_room"):
        await one.does("olga", acts)
    reports = ("show_room_message", "report_message", "list_cases", "show_message")
    for acts in (*reports, "edit_message", "remove_message"):
        await one.does("olga", acts)
    again = await one.does("olga", "say_in_room")
    await one.does("olga", "delete_message", message=again["id"])
    async with await one.api.socket() as socket:
        for frame in frames:
            await one.says("olga", socket, frame)
    await one.does("olga", "silence_member")


async def takes_tickets(one: Newcomer) -> None:
    await one.lists("olga", "list_tickets")
    await one.lists("olga", "list_event_tickets")
    for shows in ("ticket", "ticket_qr", "ticket_pdf", "ticket_wallet"):
        await one.does("olga", f"show_{shows}")
    await one.does("olga", "reissue_ticket")
    for passes in ("offer_ticket", "show_transfer", "withdraw_transfer"):
        await one.does("olga", passes)
    await one.does("olga", "list_revoked_tickets")
    await one.does("olga", "add_ticket_key")


async def buys(one: Newcomer) -> None:
    for op in ("hold", "extend", "release", "book", "holding"):
        await one.does("olga", "run_command", op)
    await one.lists("olga", "list_bookings")
    await one.lists("olga", "list_event_bookings")
    await one.does("olga", "show_booking")
    await one.does("olga", "show_referenced_booking")
    await takes_tickets(one)
    await one.does("olga", "cancel_booking")
    await orders(one)
    await counter(one)
    last = ("hold", "release", "book")
    for op in ("hold_best", "book", "cancel", "block", "unblock", *last):
        await one.does("olga", "run_command", op)
    await one.does("olga", "create_announcement", "ticket_holders")
    await one.lists("olga", "list_announcements")
    await one.does("olga", "show_announcement")
    await one.lists("olga", "list_my_announcements")
    await one.does("olga", "edit_announcement")
    await one.does("olga", "delete_announcement")
    await one.does("olga", "show_event_analytics")
    await one.does("olga", "show_event_live")
    await one.lists("olga", "list_event_activity")
    await one.does("olga", "show_organisation_analytics", query={"step": "minute"})
    await one.does("olga", "show_journal")
    assert (await one.does("olga", "show_audit"))["ok"] is True
    assert (await one.does("olga", "show_money"))["ok"] is True
    await one.does("olga", "show_promotion_numbers")
    await one.lists("olga", "list_code_numbers")
    for table in ("orders", "tickets", "attendees", "promotions"):
        await one.does("olga", f"export_{table}")


async def promotes(one: Newcomer) -> None:
    for makes in ("create_promotion", "delete_promotion", "create_promotion"):
        await one.does("olga", makes)
    await one.does("olga", "list_promotions")
    await one.does("olga", "show_promotion")
    await one.does("olga", "edit_promotion")
    await one.does("olga", "add_promotion_codes")
    await one.does("guest", "check_code")


async def orders_as(one: Newcomer, example: str) -> dict[str, Any]:
    """Hold, and order at the total that a quote said."""
    for op in ("hold", "release"):
        await one.does("olga", "run_command", op)
    told = await one.does("olga", "quote_order", example)
    made: dict[str, Any] = await one.does("olga", "create_order", example)
    assert made["total"] == told["total"]
    return made


async def counter(one: Newcomer) -> None:
    """Sell by hand, and give away: each to a customer of its own."""
    for paid, holds in (("cash", "named"), ("free", "best")):
        await one.does("olga", "hold_at_counter", holds)
        told: dict[str, Any] = {"total": None}
        if paid == "cash":
            for name in ("release_at_counter", "extend_at_counter", "list_blocked"):
                await one.does("olga", name)
            told = await one.does("olga", "quote_at_counter")
        made = await one.does("olga", "order_at_counter", paid)
        assert made["status"] == "confirmed"
        assert (made["total"] == told["total"]) == (paid == "cash")
        await one.does("olga", "cancel_order", "all")


async def orders(one: Newcomer) -> None:
    """Order what is paid at the door; what is paid before has tests of its own."""
    await promotes(one)
    await orders_as(one, "plain")
    await one.does("olga", "cancel_order", "all")
    made = await orders_as(one, "reduced")
    assert (made["status"], made["due"]) == ("confirmed", made["total"])
    await one.lists("olga", "list_orders")
    await one.lists("olga", "list_event_orders")
    await one.does("olga", "show_referenced_order")
    await one.is_refused("olga", "pay_order", "order_closed")
    await one.is_refused("nobody", "take_payment_webhook", "webhook_forged")
    await one.does("nobody", "look_up_order")
    subject = f"Your order {made['reference']}"
    await one.reads_link(BUYER["email"], subject, SECRET)
    await one.does("finder", "open_order")
    assert (await one.does("finder", "show_order"))["id"] == made["id"]
    await one.does("finder", "show_order_pdf")
    told = await one.does("olga", "preview_refund")
    assert (await one.does("olga", "create_refund"))["lines"] == told["lines"]
    await one.finds("olga", "list_letters")
    await one.finds("olga", "list_order_activity")
    for name in ("show_order", "list_refunds", "show_event_refunds", "send_letter"):
        await one.does("olga", name)
    for example in ("lines", "all"):
        gone = await one.does("olga", "cancel_order", example)
        assert gone["status"] == "cancelled"


async def opens_the_doors(one: Newcomer) -> None:
    # That of before went back with its booking.
    one.forgets(TICKET_ID, TICKET_CODE)
    await one.finds("olga", "list_tickets", status="valid")
    await one.lists("olga", "list_notices")
    assert (await one.does("olga", "read_notices"))["unread"] >= 0
    await one.does("olga", "list_checkin_lists")
    await one.does("olga", "create_checkin_list")
    await one.does("olga", "show_checkin_list")
    await one.does("olga", "edit_checkin_list")
    await one.does("olga", "show_checkin_bundle")
    scanned = await one.does("olga", "scan_ticket")
    assert scanned["result"] == "ok"
    assert (await one.does("olga", "undo_scan"))["standing"] == "never"
    told = (await one.does("olga", "upload_scans"))["scans"]
    assert [scan["outcome"] for scan in told] == ["entry"]
    counted = await one.does("olga", "show_checkin_counts")
    assert counted["lists"][0]["in"] == 1


async def lets_machines_in(one: Newcomer) -> None:
    await one.does("olga", "create_api_key")
    await one.does("machine", "list_event_bookings")
    await one.lists("olga", "list_api_keys")
    await one.does("olga", "show_api_key")
    await one.does("olga", "rotate_api_key")
    await one.does("machine", "show_event")
    await one.does("olga", "revoke_api_key")


async def tells_machines(one: Newcomer) -> None:
    """Nobody is at the example's address, so what is told waits."""
    await one.does("olga", "create_hook")
    await one.lists("olga", "list_hooks")
    await one.does("olga", "show_hook")
    await one.does("olga", "edit_hook")
    await one.does("olga", "rotate_hook")
    await one.does("olga", "test_hook")
    await one.lists("olga", "list_deliveries")
    await one.does("olga", "show_delivery")
    await one.does("olga", "replay_delivery")
    await one.does("olga", "replay_hook")
    await one.does("olga", "delete_hook")
    await one.does("bert", "ask_support")
    await one.lists("olga", "list_support")


async def administers(one: Newcomer) -> None:
    await one.does(
        "admin",
        "log_in",
        "administrator",
        email=ADMIN_EMAIL,
        password=ADMIN_PASSWORD,
    )
    await one.lists("admin", "list_users")
    await one.does("admin", "show_user")
    await one.does("admin", "create_user")
    await one.does("admin", "delete_user", user=DORA_ID)
    for change in ("organizer", "suspend", "let_in"):
        await one.does("admin", "edit_user", change)
    await one.does("admin", "sign_user_out")
    assert (await one.does("olga", "log_in", "olga"))["user"]["role"] == "organizer"
    await one.does("admin", "show_dashboard")
    await one.does("admin", "show_cache_stats")
    await one.does("admin", "clear_caches")
    await one.does("admin", "show_limits")
    await one.does("admin", "list_jobs")
    await one.does("admin", "run_job")
    await one.lists("admin", "list_outbox")
    # Nothing died here: what waits or was sent is as it is.
    await one.does("admin", "replay_row")
    await one.does("admin", "report_bounces")
    await one.does("admin", "show_cluster")
    await one.does("admin", "move_event")


async def ends_it(one: Newcomer) -> None:
    await one.is_refused("olga", "delete_event", "tickets_sold")
    await one.is_refused("olga", "delete_organisation", "organisation_in_use")
    await one.is_refused("olga", "delete_me", "last_owner")
    for ends in ("close_line", "close_event", "cancel_event"):
        await one.does("olga", ends)
    await one.lists("admin", "list_activity")
    await one.does("olga", "remove_member")
    await one.does("olga", "transfer_organisation")
    await one.does("cleo", "edit_me", "language")
    await one.does("cleo", "edit_me", "address")
    await one.does("cleo", "delete_me")


async def test_a_newcomer_does_everything_with_the_examples(newcomer):
    for looks in LOOKS:
        await newcomer.does("nobody", looks)
    await asks_for_mails(newcomer)
    await keeps_an_account(newcomer)
    await leads_an_organisation(newcomer)
    await takes_registrations(newcomer)
    await puts_an_event_on_sale(newcomer)
    await waits(newcomer)
    await listens(newcomer)
    await buys(newcomer)
    await opens_the_doors(newcomer)
    await lets_machines_in(newcomer)
    await tells_machines(newcomer)
    await administers(newcomer)
    await ends_it(newcomer)
    assert newcomer.wanted() - newcomer.done == REFUSED


def body_of(document, name):
    """Give what the description has of the body of an operation."""
    (found,) = (
        said["requestBody"]["content"]["application/json"]
        for operations in document["paths"].values()
        for said in operations.values()
        if said["operationId"] == name
    )
    return found


async def test_an_operation_without_a_usable_example_would_be_found(mailing, office):
    async with Api(mailing) as api:
        document = await api.good("GET", "/openapi.json")
        del body_of(document, "create_organisation")["example"]
        without = Newcomer(api, office, document)
        with pytest.raises(AssertionError, match="create_organisation"):
            without.wanted()
        body_of(document, "create_organisation")["example"] = {
            "name": f"org_{22 * 'x'}"
        }
        wrong = Newcomer(api, office, document)
        assert ("create_organisation", None) in wrong.wanted()
        with pytest.raises(AssertionError, match="no earlier answer gave"):
            await wrong.does("olga", "create_organisation")
        del wrong.operations["create_organisation"].said["requestBody"]
        with pytest.raises(AssertionError, match="olga"):
            await wrong.does("olga", "create_organisation")
