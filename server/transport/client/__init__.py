"""A client of our websocket, for the demo and the benchmarks."""
