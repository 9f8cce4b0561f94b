"""What the webhooks of organisers are told of events and tickets, by a follower."""
