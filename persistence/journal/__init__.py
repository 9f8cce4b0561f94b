"""The journal: fenced commits, lanes, audit."""
