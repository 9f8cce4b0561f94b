"""What asks others: our own websocket, for demo and benchmarks, and over HTTP."""
