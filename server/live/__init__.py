"""What is live in this process: actors, fan-out, websockets, the cluster."""
