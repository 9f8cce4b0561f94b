"""The activity log: a record of each call that writes, on its way to Postgres.

Purpose: to tell later who did what. Every call but a read is one record, refused and
failed ones too, and so is every attempt to sign in; `middleware.py` makes them.
Commands over a websocket are none of them: the event's journal has those. Calls that
came too often (`rate_limited`) are none either: whoever floods us would fill a table.

Concurrency: a request appends to a queue in memory and goes on. A task hands the queue
over in batches: to a Redis Stream, which a consumer in every process empties into
Postgres, or into Postgres itself where there is no Redis, or none that answers.

Invariants:
- A record leaves the queue when Redis or Postgres has it, and Redis when Postgres has.
- A record has its id and its time from the beginning, so none is stored twice.
- A request neither waits for this nor fails by it: what does not fit is counted.

What is lost: with a process that is killed, what it has not handed over (an instant's
records; with Postgres away and no Redis, all that waits). What a Redis that dies has
and Postgres has not is sent again, as far as it is not older than ten seconds. An
orderly stop hands everything over, unless that takes it a second.

Imports: redis only in `stream.py`, by way of the bus's link.
"""
