"""The place: its map, the charts it is read from, and the search for good seats."""
