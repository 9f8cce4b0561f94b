"""What a capability is, and those that carry the data of all others."""
