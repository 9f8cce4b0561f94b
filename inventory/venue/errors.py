"""What is wrong with a chart or a map that somebody sent."""

from inventory import faults


class ChartError(faults.FaultyError):
    """A chart or map that cannot be sold from, with its faults."""


class Faults(faults.Faults):
    """Collects what is wrong with one chart or map."""

    error = ChartError
