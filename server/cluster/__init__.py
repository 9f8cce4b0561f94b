"""What the processes of one cluster tell each other, and do for each other's clients.

Purpose: any process serves any client; each event has one owner. Who that is stands in
the database, which also refuses the writes of everybody else. What runs over Redis only
makes it quick: all of it may be lost, late, doubled or stopped.

- `bus.py`: what can be published and heard, and how that goes over Redis
- `link.py`: the two connections to Redis below it, from open to broken
- `messages.py`: what is said, and how it is written
- `members.py`: which processes there are, and which of them have gone
- `forwarder.py`: commands to the owner of an event, and its answers
- `follower.py`: watchers of an event that another process owns
- `cluster.py`: all of them put together
"""
