"""What the draws of this process took, as Prometheus reads it."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.events.line.drawer.drawer import Drawer


class DrawMetrics(Collector):
    """The steps of draws, each as it was taken last."""

    def __init__(self, drawer: Drawer) -> None:
        self._drawer = drawer

    def collect(self) -> Iterable[Metric]:
        """Yield what each step took."""
        family = GaugeMetricFamily(
            "onsale_line_draw_seconds",
            "What each step of a draw took when this process took it last.",
            labels=["step"],
        )
        for step, seconds in self._drawer.took_s.items():
            family.add_metric([step], seconds)
        yield family
