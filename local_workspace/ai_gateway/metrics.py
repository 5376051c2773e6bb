"""The metrics an endpoint exports, in Prometheus' text format.

Names are those of the platform's export, and like there counts are gauges of the last minute (so Datadog's integration
describes them), not counters. What this workspace does not measure (`cpu_usage_percentage`, `mem_usage_percentage`,
`provisioned_concurrent_requests_total`) is left out. Names that begin with `local_` are its own.
"""

import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from local_workspace.ai_gateway.observation import Observation

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WINDOW_SECONDS = 60
MAX_SAMPLES = 100_000


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
        # Imported at the first export: it costs the start 50 ms, and few ask.
        from local_workspace.ai_gateway.metrics_export import to_text

        return to_text(endpoint, samples, running)

    def _forget_old(self) -> None:
        oldest = self._clock() - WINDOW_SECONDS
        while self._samples and self._samples[0].at <= oldest:
            self._samples.popleft()
