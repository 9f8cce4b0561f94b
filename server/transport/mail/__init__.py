"""Mail: addresses, codes, and the sender that empties the outbox."""
