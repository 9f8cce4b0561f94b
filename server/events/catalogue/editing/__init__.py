"""Events are edited and withdrawn."""
