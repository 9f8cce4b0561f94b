"""The closed list of refusals, in order of precedence, each transient or not.

Transient means that the very same command may be accepted later without anybody
changing it. The order is the contract's: where several would apply, the first is
answered.
"""

from typing import Final, Literal

Code = Literal[
    "unauthenticated",
    "forbidden",
    "event_not_found",
    "key_reused",
    "line_not_open",
    "line_over",
    "precondition_failed",
    "sale_not_open",
    "sale_paused",
    "sale_closed",
    "wait_your_turn",
    "turn_over",
    "hold_not_found",
    "hold_expired",
    "hold_pledged",
    "price_changed",
    "extend_limit",
    "too_many_seats",
    "user_limit",
    "already_booked",
    "seat_not_found",
    "area_not_found",
    "type_not_found",
    "type_limit",
    "held_too_often",
    "seat_not_free",
    "not_enough_seats",
    "orphan_seat",
    "booking_not_found",
    "belongs_to_order",
    "cancel_too_late",
    "place_not_found",
    "already_waiting",
    "bad_wish",
    "too_many_places",
    "proof_needed",
    "wrong_state",
    "wrong_rank",
    "nobody_next",
    "tickets_sold",
    "bad_field",
    "payment_required",
    "overloaded",
    "unavailable",
    "outcome_unknown",
]

TRANSIENT: Final[frozenset[Code]] = frozenset(
    {
        "sale_not_open",
        "sale_paused",
        "line_not_open",
        "wait_your_turn",
        "proof_needed",
        "held_too_often",
        "overloaded",
        "unavailable",
        "outcome_unknown",
    }
)

DETAILS: Final[dict[Code, str]] = {
    "unauthenticated": "Say who you are first.",
    "forbidden": "You may not do this.",
    "event_not_found": "There is no such event.",
    "key_reused": "This key was used with another command.",
    "line_not_open": "There is no line to join yet.",
    "line_over": "The line is over.",
    "precondition_failed": "It was edited since you read it.",
    "sale_not_open": "The sale has not begun.",
    "sale_paused": "The sale is paused.",
    "sale_closed": "The sale is over.",
    "wait_your_turn": "It is not your turn yet.",
    "turn_over": "Your turn is over.",
    "hold_not_found": "You have no such hold.",
    "hold_expired": "This hold ran out.",
    "hold_pledged": "An order has this hold: pay it, or cancel it.",
    "price_changed": "It costs something else than you were shown.",
    "extend_limit": "This hold cannot be extended any further.",
    "too_many_seats": "More than one booking may have.",
    "user_limit": "More than one buyer may have.",
    "already_booked": "You have a booking already; this event allows one.",
    "seat_not_found": "There is no such seat.",
    "area_not_found": "There is no such area.",
    "type_not_found": "There is no such type of ticket.",
    "type_limit": "More of this type than one order may have.",
    "held_too_often": "This was held too often from here; others come first.",
    "seat_not_free": "Somebody else was faster.",
    "not_enough_seats": "There are not enough seats of this kind left.",
    "orphan_seat": "This would leave a single seat alone.",
    "booking_not_found": "You have no such booking.",
    "belongs_to_order": "This booking belongs to an order: cancel that.",
    "cancel_too_late": "It is too late to cancel.",
    "place_not_found": "You have no such place in the line.",
    "already_waiting": "You are already in the line.",
    "bad_wish": "This wish cannot be served here.",
    "too_many_places": "There are too many places in the line from here.",
    "proof_needed": "Show first that you are not a program.",
    "wrong_state": "The sale's state does not allow this.",
    "wrong_rank": "This is not the place that comes next.",
    "nobody_next": "Nobody who waits can be served.",
    "tickets_sold": "Tickets sold forbid this.",
    "bad_field": "A field is wrong.",
    "payment_required": "This event's bookings are paid for first.",
    "overloaded": "Too much at once; nothing happened, try again.",
    "unavailable": "Not just now; nothing happened, try again.",
    "outcome_unknown": "It may have happened; retry with the same key.",
}

MANAGERS_ONLY: Final = "This is for those who manage the event."
SYSTEM_ONLY: Final = "This is for orders of the shop."

CODES: Final = tuple(DETAILS)
"""All codes of refusals, in order of precedence."""

assert set(DETAILS) >= TRANSIENT
