"""An example for each operation that the API describes."""
