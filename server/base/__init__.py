"""What all else stands on: settings, limits, ids. No sockets, no SQL."""
