"""One prompt sent, one answer (or several, side by side) watched to its end."""

import statistics
import uuid
from dataclasses import dataclass

from bench.browser import ProbedPage
from bench.processes import MeasureFailed, Server, local_http
from bench.scripted_endpoint import WARM_UP, WARM_UP_SCRIPT, script_of
from bench.subjects import Subject

FIRST_ANSWER_SECONDS = 30
SETTLE_SECONDS = 0.3


@dataclass
class Exchange:
    tokens: int  # sent by the endpoints, all of them together
    shown: int  # of these, on the page at the end
    bytes: int
    cpu_seconds: float
    first_text: float | None  # seconds from the Enter key to the first token on the page
    lags: list[float]  # seconds from the endpoint's token to the page's, for each token that was seen
    input_is_free: bool

    @property
    def lag_p95(self) -> float | None:
        return statistics.quantiles(self.lags, n=20)[-1] if len(self.lags) > 1 else None

    @property
    def lag_p50(self) -> float | None:
        return statistics.median(self.lags) if self.lags else None

    @property
    def bytes_per_token(self) -> float | None:
        return self.bytes / self.shown if self.shown else None


@dataclass
class Conversation:
    """A page of one subject, and how many prompts it has been sent."""

    subject: Subject
    server: Server
    page: ProbedPage
    workspace: str
    turns: int = 0

    def send(self, endpoints: list[str], purpose: str = "run") -> str:
        """Type and send a prompt; return the mark by which the endpoint's log knows it."""
        mark = f"{purpose}-{uuid.uuid4().hex[:12]}"
        targets = [self.subject.answer(self.turns, model) for model in range(len(endpoints))]
        self.page.send(self.subject.prompt(endpoints, mark), targets, self.subject.sendable)
        self.turns += 1
        return mark

    def warm_up(self, endpoints: list[str]):
        """A short exchange, code block and all, so that what a page loads once is there before the measured one."""
        self.send(endpoints, WARM_UP)
        self.page.wait_for_tokens(WARM_UP_SCRIPT.tokens, seconds=FIRST_ANSWER_SECONDS)
        if min(self.page.sight(WARM_UP_SCRIPT.tokens).shown) < WARM_UP_SCRIPT.tokens:
            raise MeasureFailed(f"{self.subject.name} did not show the whole answer to a first, short prompt")
        self.page.wait_until_free()

    def exchange(self, endpoints: list[str], poll: float = 0.2, settle: float = SETTLE_SECONDS) -> Exchange:
        script = script_of(endpoints[0])
        cpu_before = self.server.cpu_seconds()
        mark = self.send(endpoints)
        ideal = script.wait + script.tokens / script.rate
        self.page.wait_for_tokens(script.tokens, seconds=6 * ideal + FIRST_ANSWER_SECONDS, poll=poll)
        # The work after the last token (a final drawing, a script's end) belongs to the answer too.
        self.page.wait_until_free(FIRST_ANSWER_SECONDS)
        self.page.page.wait_for_timeout(settle * 1000)
        input_is_free = self.page.wait_until_free(FIRST_ANSWER_SECONDS)
        cpu_seconds = self.server.cpu_seconds() - cpu_before
        sight = self.page.sight(script.tokens)
        lags = []
        for name, samples in zip(endpoints, sight.samples, strict=True):
            lags += lags_of(invocation(self.workspace, mark, name)["emitted"], samples)
        first_seen = min((samples[0][0] for samples in sight.samples if samples), default=None)
        return Exchange(
            tokens=script.tokens * len(endpoints),
            shown=sum(sight.shown),
            bytes=sight.bytes,
            cpu_seconds=cpu_seconds,
            first_text=first_seen - sight.sent if first_seen and sight.sent else None,
            lags=lags,
            input_is_free=input_is_free,
        )


def invocation(workspace: str, mark: str, endpoint: str) -> dict:
    """The one request that a prompt caused; a second one would be money spent behind the user's back."""
    log = local_http.get(f"{workspace}/bench/log", params={"mark": mark}, timeout=30).json()
    found = [entry for entry in log if entry["endpoint"] == endpoint]
    if len(found) != 1:
        raise MeasureFailed(f"{endpoint} was invoked {len(found)} times for one prompt")
    return found[0]


def lags_of(emitted: list[float], samples: list[tuple[float, int]]) -> list[float]:
    """A token is seen at the first sample that shows it or a later one."""
    lags = []
    for seen_at, newest in samples:
        while len(lags) <= min(newest, len(emitted) - 1):
            lags.append(seen_at - emitted[len(lags)])
    return lags
