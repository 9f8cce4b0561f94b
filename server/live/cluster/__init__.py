"""What the processes of one cluster tell each other, and do for each other's clients.

Purpose: any process serves any client; each event has one owner. Who that is stands in
the database, which also refuses the writes of everybody else. What runs over Redis only
makes it quick: all of it may be lost, late, doubled or stopped.

- `bus.py`: what can be published and heard, and how that goes over Redis
- `line.py`, `slots.py`, `link.py`: a Redis, or a master of a Redis Cluster, below it
- `messages.py`: what is said, and how it is written
- `members.py`: which processes there are, and which of them have gone
- `placement.py`: which of them should own an event that nobody owns
- `forwarder.py`: commands of our clients for events that others own
- `counter.py`: commands of others' clients for events that we own, and our publications
- `follower.py`: boards of events that others own
- `cluster.py`: all of them put together; `start.py`: joining
"""
