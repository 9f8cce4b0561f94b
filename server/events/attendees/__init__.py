"""Registrations for events that have just a capacity.

Purpose: an address, a name, a place; the place is a booking of the event's actor.

How a registration survives: its row is made first, pending, and its address is the
event's only one from then on. Then a place is held and booked, both under keys of the
registration's own, as a user of its own. Then the booking and the mail with the code
are noted in one transaction. Whoever dies between leaves it pending, and after half a
minute any process drives it again from the beginning: the keys give the same place. A
refusal ends it; the hold of one that died runs out by itself.

Invariants: one place for a registration, however often it is driven. One that is gone
has no place: where two were at it and one ended it, the other gives the place back, and
if that one dies, whoever looks after registrations does.
"""
