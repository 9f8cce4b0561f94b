"""HTTP below REST: connections, caching, compression, problems."""
