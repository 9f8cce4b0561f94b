"""Servers to compare with: each speaks `hold` over a websocket in another way."""
