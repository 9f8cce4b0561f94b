"""Whether the server is well: probes, health page, metrics."""
