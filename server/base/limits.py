"""Every bound of the server's own, with its unit, and how the bounds relate."""

FRAME_BYTES_MAX = 4_096
LINE_BYTES_MAX = 8_000
"""Of the address in a request, its query included."""

FIELD_BYTES_MAX = 8_190
"""Of one header. Told apart from the line by its number, so the two differ."""

assert LINE_BYTES_MAX != FIELD_BYTES_MAX

IN_FLIGHT_MAX = 64
"""Unanswered frames of one connection; beyond them it is not read."""

HELLO_S_MAX = 10.0
COMMANDS_PER_S = 50.0
COMMANDS_BURST = 200.0
FLOOD_REFUSALS_MAX = 200
"""A connection that was refused so many frames more than it was allowed since is closed
with 4029: 500 frames a second are, within a second."""

WATCHES_PER_CONNECTION_MAX = 100
CONNECTIONS_MAX = 60_000
CONNECTIONS_PER_ADDRESS_MAX = 1_000
"""Of one client's address, with rates limited: many may share one, but not so many."""

SEND_BUFFER_BYTES = 16 * 1_024
"""What the kernel is asked to keep at most of what a websocket's client has not taken.

The kernel doubles it and counts its own overhead."""

REPLY_BUFFER_BYTES_MAX = 64 * 1_024
"""A connection with more unsent bytes is not read until it takes some."""

WATCH_BUFFER_BYTES_MAX = 2 * 1_024
"""A watcher with more unsent bytes is passed over: its cursor stays where it is.

Little, because each unsent frame costs the loop several times its own bytes."""

STALL_S_MAX = 9.0
"""A client that took nothing for so long is closed with 4008, a second later or two."""

CLOSE_S_MAX = 4.0
"""How long a client that is told why it is closed may take to hear it."""

BEAT_S = 10.0
PING_S = 30.0
USER_TIMEOUT_MS = 60_000
"""The kernel drops a connection whose peer acknowledged nothing for so long."""

FLUSH_S_MAX = 0.2
"""How long after the beginning of a flush to many watchers the next one may begin."""

FLUSH_S_PER_WATCHER = 0.000_05
FANOUT_SLICE_S = 0.002
FANOUT_SLICE_S_MAX = 0.008
FANOUT_SHARE_BUSY = 0.25
"""Of a loop that others keep busy, so that a slice may be longer than usual."""

FANOUT_SHARE_MAX = 0.4
"""Of the time of a process, for the flushes of one event."""

RING_S = 60.0
RING_VERSIONS_MAX = 262_144
DELTA_BYTES_ALWAYS = 4_096
"""A delta up to this size is sent as one, even where a snapshot would be shorter."""

DELTA_TOUCHES_PROMISED_MAX = 32_768
"""Who was away while seats changed more often than this starts over with a snapshot."""

RECEIPT_BYTES_MAX = 1 << 20
EVENTS_LOADING_MAX = 16
LOAD_S_MAX = 8.0
"""How long the first to use an event wait for it: every command is answered in 10 s."""

STOP_S_MAX = 5.0
"""How long actors may take to answer what waits; with the closing of connections to a
database that is silent, the whole stop stays below the 10 s of the contract."""

HAND_OVER_S_MAX = 3.0
"""What a process that stops may take of that to give its events to others."""

assert HAND_OVER_S_MAX < STOP_S_MAX
assert WATCH_BUFFER_BYTES_MAX < FRAME_BYTES_MAX < REPLY_BUFFER_BYTES_MAX
assert FANOUT_SLICE_S < FANOUT_SLICE_S_MAX < FLUSH_S_MAX
assert 0 < FANOUT_SHARE_BUSY < FANOUT_SHARE_MAX < 1

OPENING_AHEAD_MS = 30_000
"""Actors of scheduled sales start this long before the opening."""

EVENT_IDLE_S = 600.0
"""An event that nobody uses is unloaded after so long."""

EVENT_IDLE_CROWDED_S = 15.0
"""The same while the loaded venues take more than `VENUES_LOADED_BYTES`."""

VENUES_LOADED_BYTES = 512 << 20

assert EVENT_IDLE_CROWDED_S < EVENT_IDLE_S

BUS_MESSAGE_BYTES_MAX = 8 << 20
BUS_MESSAGE_BYTES_EXTRA = 512
"""What a message that waits for the bus costs besides its own bytes."""

BUS_OUTBOX_BYTES_MAX = 64 << 20
"""What may wait for the bus; beyond it `publish` says that nobody will hear it."""

BUS_TURN_BYTES = 256 * 1_024
"""A round trip takes no further message once it has so much: probes must pass."""

BUS_TURN_MESSAGES_MAX = 256
BUS_SLICE_MESSAGES = 64
"""So many heard messages are handled before the loop gets to do something else."""

BUS_SUBSCRIBE_TOPICS_MAX = 1_000
"""Topics of one SUBSCRIBE; more of them take several."""

BUS_PROBE_S = 1.0
BUS_PROBES_LOST_MAX = 2
"""So many in a row did not come back: the connections are thrown away.

They are counted, not timed, so that a stall of this process does not look like one of
the bus. With the time before the first and after the last, three seconds at most."""

BUS_CONNECT_S_MAX = 2.0
BUS_BACKOFF_S_MIN = 0.05
BUS_BACKOFF_S_MAX = 1.0
BUS_SURVEY_S = 0.25
BUS_REFUSED_S_MAX = 5.0
"""A process whose bus does not let it in for so long sends its clients away."""

"""The pause between two questions to a Redis Cluster for who has which slot."""

BUS_CLOSE_S_MAX = 1.0
"""How long the end of the process waits for what was published before it."""

assert BUS_TURN_BYTES < BUS_MESSAGE_BYTES_MAX < BUS_OUTBOX_BYTES_MAX
assert BUS_BACKOFF_S_MIN < BUS_BACKOFF_S_MAX < BUS_CONNECT_S_MAX
assert (BUS_PROBES_LOST_MAX + 1) * BUS_PROBE_S + BUS_BACKOFF_S_MAX < 5.0

MEMBERS_S = 1.0
"""How often a process says that it lives, and looks who else does."""

ADOPT_S = 2.0
"""How often a process looks for events whose owner died without a word."""

ADOPTED_AT_ONCE_MAX = 1_000
OWNER_POLL_S = 0.2
"""How often the owner of an event is looked for while it has none."""

OWNER_SILENT_S = 3.0
"""An owner of whom nothing was heard for so long is looked for anew: it should beat."""

FOLLOW_IDLE_S = 60.0
"""How long an event of another process is followed though nobody here needs it."""

FOLLOW_BUFFER_MAX = 10_000
"""Publications kept while a state is awaited."""

FORWARDED_MAX = 65_536
"""Commands of this process's clients that wait for other processes."""

FORWARD_S_MAX = 5.0
"""How long a forwarded command waits for its answer before `outcome_unknown`."""

FIND_S_MAX = 3.5
"""How long a command waits until an owner is found, or the event is loaded, among other
processes; it may have to be forwarded then, and is answered in 10 s all the same."""

RATES_S_MAX = 0.5
"""How long an operator waits for what all processes tell of themselves."""

FORWARD_TRIES_MAX = 3
"""How often a command that surely had no effect is sent again."""

assert FIND_S_MAX + FORWARD_S_MAX < 9.0
assert OWNER_POLL_S < MEMBERS_S < OWNER_SILENT_S < FORWARD_S_MAX
