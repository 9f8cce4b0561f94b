"""Every bound of this package, with its unit, and how the bounds relate.

A number that limits something lives here and nowhere else, so that one page tells how
large anything can get.
"""

SEATS_PER_VENUE_MAX = 250_000
SEATS_AT_ONCE_MAX = 10_000
"""A larger venue is made ready in a thread: each thousand seats take 3 ms."""

AREAS_PER_VENUE_MAX = 1_000
CATEGORIES_PER_VENUE_MAX = 200
AREA_CAPACITY_MAX = 1_000_000
LABEL_LENGTH_MAX = 100

SHAPES_PER_VENUE_MAX = 5_000
"""Forms that a map draws beside its seats, and texts; a shape has as many corners as"""

POINTS_PER_SHAPE_MAX = 500

FLOORS_PER_VENUE_MAX = 100
"""And zones."""

FAULTS_LISTED_MAX = 1_000
"""How many faults of a map or a chart are told at once."""

COORDINATE_MAX = 1_000_000_000
"""How far from zero a map's x and y may lie: distances stay finite and exact enough."""

TYPES_MAX = 50
"""How many types, of reduced prices and others, an event may have."""

SEATS_PER_BOOKING_MAX = 100
"""The most an event may set as `max_per_booking`."""

PRICE_MAX = 10**11
"""The most that one place may cost, in the minor unit of its currency: a billion of the
currencies that count in the most digits."""

AMOUNT_MAX = 10**15
"""The most that a hold or a booking may cost: every reader of JSON has it exactly. Sums
over bookings have no limit."""

PER_USER_MAX = 1_000_000
"""The most an event may set as `max_per_user`."""

QUANTITY_MAX = 1_000_000
ALTERNATIVES_MAX = 3
KEY_LENGTH_MAX = 128
REASON_LENGTH_MAX = 200
"""Of why seats are off sale."""

ID_LENGTH_MAX = 64
ORDER_LENGTH_MAX = 64

HOLD_TTL_S_MAX = 86_400
HOLD_LIFE_FACTOR = 2
"""No hold outlives this many times the event's hold length, unless an order has it."""

PAY_S_MIN = 60
PAY_S_MAX = 1_500
"""What an event may set as `pay_s`, in which the buyer of an order pays."""

PAY_MARGIN_S = 120
"""An order may have a hold for so much longer, in which the answer may arrive."""

PLEDGE_LIFE_S = 1_800
"""No order has a hold this long after one had it first."""

UNPLEDGED_MS = 60_000
"""Who gets a hold back from an order has it for so long at least."""

HOLD_GRACE_MS = 5_000
"""A hold is kept this long past its promised end, so that a booking sent in time is not
lost in a queue; recovery keeps every live hold at least this long."""

BEHIND_SLOWS = 16
"""Where the clock goes back, an event's time goes on slower, by one part in so many,
until the clock is there again: an hour is made up for in sixteen."""

EXPIRED_MEMORY_MS = 3_600_000
"""How long the token of an expired hold is told apart from one that never was."""

HELD_PER_NETWORK_MAX = 1_000_000
"""The most an event may set as `max_held_per_network`."""

LET_GO_COUNTS_MS = 60_000
"""So long do places that were let go count as held from their network."""

CROWDED_RETRY_MS = 5_000
"""When who was refused for that should try again: any booking makes room at once."""

LET_GO_TIMES = 3
"""A place that was let go so often is closed to who did."""

LET_GO_CLOSED_MS = 30_000
"""For so long the first time, and twice as long each time after that."""

LET_GO_CLOSED_DOUBLINGS = 6
"""It doubles so often, to half an hour."""

LET_GO_MEMORY_MS = 3_600_000
"""What was let go counts for so long, and as long as a hold may live besides."""

LET_GO_PLACES_MAX = 256
"""So many places are remembered of one user, or one network, of an event."""

LET_GO_MAX = 32_768
"""So many of all users of an event, and so many of all networks."""

WISH_CATEGORIES_MAX = 3
WISH_CLASSES_MAX = 4_096
"""So many different wishes may wait in one line; what comes then is put with the wish
that is most like it."""

LINE_FEED_MAX = 4_096
"""So many places are fed in one change."""

LINE_WISHES_BYTES_MAX = 130_000
"""So much one change tells of wishes that are new: a line of the transcript has room
for it beside the places."""

LINE_PLACES_MAX = 5_000_000
LINE_HEAD = 4_096
"""So far down the line it is noted who is away."""

LINE_RETURNED_MAX = 16
"""So many turns one change that frees places gives in its own step."""

TURN_S_MAX = 86_400
ACCOUNT_DAYS_MAX = 3_650
"""So old a line may ask an account to be of who joins it."""

TURN_GRACE_MS = 5_000
"""A turn without a hold ends so long after its promised end: what was sent in time may
be queued."""

TURN_KEPT_MS = 30_000
"""So long a turn lasts after a recovery, at least: its user has to come back first."""

TURN_EXTENSIONS_MAX = 10
"""A turn is extended so often, each time by one part in so many."""

TURN_OVER_MEMORY_MS = 3_600_000
"""How long a turn that ran out is told apart from one that never was."""

ROUNDS_PUT_OFF_MAX = 16

EXPIRIES_PER_BATCH_MAX = 1_024
MAILBOX_COMMANDS_MAX = 16_384
BATCH_COMMANDS_MAX = 4_096
BATCH_BYTES_MAX = 1 << 20
KEYS_REMEMBERED_MAX = 100_000

SNAPSHOT_EVERY_VERSIONS = 50_000
"""A recovery snapshot is stored when this many versions came since the last one."""

assert BATCH_COMMANDS_MAX <= MAILBOX_COMMANDS_MAX
assert EXPIRIES_PER_BATCH_MAX <= BATCH_COMMANDS_MAX
assert SEATS_PER_BOOKING_MAX <= PER_USER_MAX
assert SEATS_PER_BOOKING_MAX <= QUANTITY_MAX
assert SEATS_PER_BOOKING_MAX <= LET_GO_PLACES_MAX <= LET_GO_MAX
assert LET_GO_CLOSED_MS << LET_GO_CLOSED_DOUBLINGS < LET_GO_MEMORY_MS
assert PAY_S_MIN < PAY_S_MAX
assert PAY_S_MAX + PAY_MARGIN_S <= PLEDGE_LIFE_S
# Former versions took prices of up to 10**12, and their journals are still read.
assert SEATS_PER_BOOKING_MAX * max(PRICE_MAX, 10**12) <= AMOUNT_MAX < 2**53

DRAIN_MS_MAX = 10
"""A drain stops deciding after this long, so that the loop turns for everyone else."""

LEASE_MS = 10_000
"""How long an owner may stay silent before another process may try to take over."""

CONFIRM_AFTER_S = LEASE_MS / 2_000
"""An owner that has not committed for half its lease confirms it before answering."""

RENEW_AFTER_S = LEASE_MS / 3_000
"""An owner that has nothing to commit renews its lease after so long a silence."""

RESOLVE_S_MAX = 5.0
"""How long callers wait for an ambiguous commit before `outcome_unknown`."""

PATIENCE_S_MAX = 2.5
"""How long who waits is kept waiting from the beginning of a commit that ends in doubt,
or of a load.

What they wait for then may take 2 s for its own commit and `RESOLVE_S_MAX` for the
truth: less than 10 s in all.
"""

RELOAD_PAUSE_S = 0.2
RELOAD_PAUSE_S_MAX = 5.0
REPLAY_ROWS = 1_000
REPLAY_SLICE_S = 0.005

assert RESOLVE_S_MAX * 1_000 <= LEASE_MS
assert RENEW_AFTER_S < CONFIRM_AFTER_S

DIFFERENCES_MAX = 100
"""How many differences an audit tells; it counts them all."""
