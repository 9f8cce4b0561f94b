"""Websocket sessions, from handshake to reply."""
