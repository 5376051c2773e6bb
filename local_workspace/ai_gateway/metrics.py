"""The metrics an endpoint exports, in Prometheus' text format.

Names are those of the platform's export, and like there counts are gauges of the last minute (so Datadog's integration
describes them), not counters. What this workspace does not measure (`cpu_usage_percentage`, `mem_usage_percentage`,
`provisioned_concurrent_requests_total`) is left out. Names that begin with `local_` are its own.
"""

import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from local_workspace.ai_gateway.observation import Observation

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WINDOW_SECONDS = 60
MAX_SAMPLES = 100_000
LABELS = ("endpoint_name", "served_entity_name")
BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 300_000)


@dataclass(frozen=True)
class Sample:
    """One invocation that is over, as far as metrics are concerned."""

    at: float
    endpoint: str
    entity: str
    status: int
    milliseconds: float
    input_tokens: int
    output_tokens: int


class EndpointMetrics:
    """What every endpoint did in the last minute, and what it is doing now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=MAX_SAMPLES)
        # Weakly, so that one whose end nobody saw is not running for ever.
        self._running: weakref.WeakSet[Observation] = weakref.WeakSet()

    def begin(self, observation: Observation) -> None:
        """An invocation has begun."""
        self._running.add(observation)

    def end(self, observation: Observation) -> None:
        """It is over. A caller who hung up before there was an answer counts as a request and not as an error."""
        self._running.discard(observation)
        usage = observation.usage
        self._samples.append(
            Sample(
                self._clock(),
                observation.endpoint,
                observation.entity,
                observation.status or 0,
                observation.total_ms,
                usage.input_tokens or 0,
                usage.output_tokens or 0,
            )
        )
        self._forget_old()

    def export(self, endpoint: str) -> str:
        """The metrics of one endpoint; served as CONTENT_TYPE."""
        self._forget_old()
        samples = [sample for sample in self._samples if sample.endpoint == endpoint]
        running = [observation.entity for observation in self._running if observation.endpoint == endpoint]
        registry = CollectorRegistry()
        registry.register(_Export(endpoint, samples, running))
        return generate_latest(registry).decode()

    def _forget_old(self) -> None:
        oldest = self._clock() - WINDOW_SECONDS
        while self._samples and self._samples[0].at <= oldest:
            self._samples.popleft()


class _Export(Collector):
    """One endpoint's metrics, a series for each served entity that was asked."""

    def __init__(self, endpoint: str, samples: list[Sample], running: list[str]) -> None:
        self._endpoint = endpoint
        self._samples = samples
        self._running = running
        self._entities = sorted({sample.entity for sample in samples} | set(running)) or [""]

    def collect(self) -> Iterator[Metric]:
        """The families of the export."""
        yield self._gauge("request_count_total", "Requests in the last minute", lambda _: 1)
        yield self._gauge("request_4xx_count_total", "4xx answers in the last minute", lambda it: it.status // 100 == 4)
        yield self._gauge("request_5xx_count_total", "5xx answers in the last minute", lambda it: it.status // 100 == 5)
        yield self._latency()
        yield self._gauge("local_input_tokens", "Tokens asked in the last minute", lambda it: it.input_tokens)
        yield self._gauge("local_output_tokens", "Tokens answered in the last minute", lambda it: it.output_tokens)
        now = GaugeMetricFamily("local_concurrent_requests", "Requests being answered now", labels=LABELS)
        for entity in self._entities:
            now.add_metric((self._endpoint, entity), self._running.count(entity))
        yield now

    def _of(self, entity: str) -> list[Sample]:
        return [sample for sample in self._samples if sample.entity == entity]

    def _gauge(self, name: str, text: str, value: Callable[[Sample], int]) -> Metric:
        family = GaugeMetricFamily(name, text, labels=LABELS)
        for entity in self._entities:
            family.add_metric((self._endpoint, entity), sum(map(value, self._of(entity))))
        return family

    def _latency(self) -> Metric:
        text = "Milliseconds from a request to the end of its reply, in the last minute"
        family = HistogramMetricFamily("request_latency_ms", text, labels=LABELS)
        for entity in self._entities:
            times = [sample.milliseconds for sample in self._of(entity)]
            buckets = [(str(edge), float(sum(time <= edge for time in times))) for edge in BUCKETS_MS]
            family.add_metric((self._endpoint, entity), [*buckets, ("+Inf", float(len(times)))], sum(times))
        return family
