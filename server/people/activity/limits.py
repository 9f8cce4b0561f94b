"""Every bound of the activity log, with its unit, and how the bounds relate."""

WAITING_MAX = 100_000
"""Records of one process that are not handed over; further ones are dropped."""

BATCH_MAX = 500
GATHER_S = 0.05
"""How long records are gathered before Redis gets them, so that many go at once."""

PACE_S = 0.25
"""The pause between two batches for Postgres, unless a batch was full: each costs the
disk a write that bookings want as well."""

STREAM_MAX = 400_000
"""Where Redis itself would begin to forget the oldest."""

STREAM_FULL = 200_000
"""With so many in the stream nothing is added: it waits where it is counted."""

READ_S_MAX = 2.0
"""How long the consumer waits for the next record."""

CLAIM_S = 5.0
"""How often a process looks for what a dead one had taken."""

CLAIM_IDLE_S = 15.0
"""A record that was taken so long ago, and is not stored, is taken again."""

GONE_S = 3_600.0
"""A consumer that was silent for so long and owes nothing is forgotten."""

RESEND_S = 10.0
"""What was sent since then is sent again once Redis was lost: it may know nothing."""

RESEND_BATCHES_MAX = 200
"""And no more than that, with the memory it takes."""

BACKOFF_S_MIN = 0.05
BACKOFF_S_MAX = 2.0
FLUSH_S_MAX = 0.8
"""How long an orderly stop may take to hand over what waits."""

GOODBYE_S_MAX = 0.3
"""And then to take leave of Redis, and of Postgres: they may be silent."""

HOUSE_S = 3_600.0
"""How often partitions are made and dropped; after a failure it is tried sooner."""

HOUSE_AGAIN_S = 30.0
AHEAD_S = 7 * 86_400.0
"""How long before its month begins a partition is there."""

assert BATCH_MAX < WAITING_MAX < STREAM_FULL < STREAM_MAX
assert RESEND_BATCHES_MAX * BATCH_MAX <= WAITING_MAX
assert RESEND_BATCHES_MAX * GATHER_S >= RESEND_S
assert GATHER_S < PACE_S < READ_S_MAX < CLAIM_S < CLAIM_IDLE_S < GONE_S
# Else what is alive but slow would be taken from whoever writes it just then.
assert READ_S_MAX + BACKOFF_S_MAX < CLAIM_IDLE_S
assert HOUSE_AGAIN_S < HOUSE_S < AHEAD_S
