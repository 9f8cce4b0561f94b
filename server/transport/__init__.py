"""The machinery of REST, HTTP, mail and the bus: what carries data."""
