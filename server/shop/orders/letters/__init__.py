"""Letters of an order: what its buyer was told, and the same sent once more."""
