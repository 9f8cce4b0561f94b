"""The machinery of REST: routes, calls, bodies, guards, lists."""
