"""Clients on websockets: frames, sessions, and the hub that tells what changed."""
