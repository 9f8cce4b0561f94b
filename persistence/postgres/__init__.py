"""Connections, pool, migrations and what we ask of the server."""
