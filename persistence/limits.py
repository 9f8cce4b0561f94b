"""Every bound of this package, with its unit, and how the bounds relate."""

LEASE_TTL_S = 10.0
"""How long after its last commit an owner is left alone; every commit renews it."""

LEASE_S_MAX = 60.0
"""No lease ends later than that from now, unless the clock was set back since: it binds
nobody then, where its owner is not seen any more."""

LANES = 2
"""Journal connections of a process; figures are in `lanes`."""

CALL_DEADLINE_S = 2.0
"""A call that takes longer is given up by closing its connection: outcome unknown."""

LOCK_TIMEOUT_S = 1.0
"""The server's own patience with a lock: shorter, so that it ends in a clear answer."""

CLOSE_S_MAX = 2.0
"""How long closing waits for what is under way."""

GOODBYE_S_MAX = 0.5
"""How long a connection that is closed in order may take to say so."""

UNSENT_PATIENCE_S = 2.0
"""A batch that could not be sent, or whose head is locked, is given up after this."""

CONNECT_TIMEOUT_S = 2.0
BACKOFF_S_MIN = 0.01
BACKOFF_S_MAX = 0.5

EVENTS_PER_CALL_MAX = 512
BYTES_PER_CALL_MAX = 8 << 20
WAITING_PER_LANE_MAX = 65_536

READ_CONNECTIONS_MAX = 4
READ_TIMEOUT_S = 10.0
READY_S = 60.0  # as often what is not used may be found to be too many
PAGE_MAX = 200
CONTROL_ATTEMPTS_MAX = 4

assert 2 * LEASE_TTL_S < LEASE_S_MAX
assert LOCK_TIMEOUT_S < CALL_DEADLINE_S < LEASE_TTL_S / 2
assert BACKOFF_S_MIN < BACKOFF_S_MAX < UNSENT_PATIENCE_S

SCHEDULED_MAX = 1_000
"""How many sales that open soon are read at a time."""

AUDIT_STATEMENT_TIMEOUT_S = 60.0
AUDIT_PAGE_BYTES = 4 << 20
AUDIT_ROWS_MIN = 8
AUDIT_ROWS_MAX = 2_000
"""An audit reads pages of about that many bytes; a journal row may have 1 MiB."""

SEEN_S_MAX = 5.0
"""A process that has not said for longer that it lives counts as dead."""

FORGOTTEN_S = 86_400.0
"""The row of a process that nobody has seen for so long is removed."""

OWNED_MAX = 10_000
"""How many owned events are listed at a time."""

# A process that is only slow to say that it lives still has its events.
assert SEEN_S_MAX < LEASE_TTL_S < FORGOTTEN_S
