"""One endpoint's metrics as Prometheus' text."""

from bisect import bisect_right
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from local_workspace.ai_gateway.metrics import Sample

LABELS = ("endpoint_name", "served_entity_name")
BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 300_000)


def to_text(endpoint: str, samples: list[Sample], running: list[str]) -> str:
    """The text of `samples` and of `running`, the served entities of invocations that are not over."""
    registry = CollectorRegistry()
    registry.register(_Export(endpoint, samples, running))
    return generate_latest(registry).decode()


class _Export(Collector):
    """One endpoint's metrics, a series for each served entity that was asked."""

    def __init__(self, endpoint: str, samples: list[Sample], running: list[str]) -> None:
        self._endpoint = endpoint
        self._running = running
        self._by_entity: dict[str, list[Sample]] = {entity: [] for entity in running}
        for sample in samples:
            self._by_entity.setdefault(sample.entity, []).append(sample)

    def collect(self) -> Iterator[Metric]:
        """The families of the export."""
        yield self._gauge("request_count_total", "Requests in the last minute", lambda _: 1)
        yield self._gauge("request_4xx_count_total", "4xx answers in the last minute", lambda it: it.status // 100 == 4)
        yield self._gauge("request_5xx_count_total", "5xx answers in the last minute", lambda it: it.status // 100 == 5)
        yield self._latency()
        yield self._gauge("local_input_tokens", "Tokens asked in the last minute", lambda it: it.input_tokens)
        yield self._gauge("local_output_tokens", "Tokens answered in the last minute", lambda it: it.output_tokens)
        now = GaugeMetricFamily("local_concurrent_requests", "Requests being answered now", labels=LABELS)
        for entity in self._series:
            now.add_metric((self._endpoint, entity), self._running.count(entity))
        yield now

    @property
    def _series(self) -> dict[str, list[Sample]]:
        # An endpoint that nobody asked shows zeros, not nothing.
        return self._by_entity or {"": []}

    def _gauge(self, name: str, text: str, value: Callable[[Sample], int]) -> Metric:
        family = GaugeMetricFamily(name, text, labels=LABELS)
        for entity, samples in self._series.items():
            family.add_metric((self._endpoint, entity), sum(map(value, samples)))
        return family

    def _latency(self) -> Metric:
        text = "Milliseconds from a request to the end of its reply, in the last minute"
        family = HistogramMetricFamily("request_latency_ms", text, labels=LABELS)
        for entity, samples in self._series.items():
            times = sorted(sample.milliseconds for sample in samples)
            buckets = [(str(edge), float(bisect_right(times, edge))) for edge in BUCKETS_MS]
            family.add_metric((self._endpoint, entity), [*buckets, ("+Inf", float(len(times)))], sum(times))
        return family
