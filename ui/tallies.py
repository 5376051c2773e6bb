"""Which served entity answered the calls that were made here: counted from their wire records, for this browser."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from weakref import WeakSet

from services.call import Call
from services.endpoints import Endpoint, EndpointDetail
from services.wire_record import WireRecord
from services.workspace import Workspace
from ui.session import conversations, kept

HEADER = "served-model-name"
"""Of a reply: which served entity it is of."""
KEPT = 20_000
KEPT_RECORDS = 4
"""Of the last calls; each may hold megabytes."""


@dataclass(frozen=True)
class Answered:
    """One answered call."""

    partner: str
    """Which workspace, as whom."""
    endpoint: str
    entity: str
    """Empty where the reply did not say."""
    at: float
    """When it was sent, seconds since the epoch."""


@dataclass
class Tally:
    """What was counted for one split of one endpoint."""

    calls: Counter[str] = field(default_factory=Counter)
    silent: int = 0
    """Answers that did not say who they are of."""


@dataclass
class Tallies:
    """What this browser has counted. Each call counts once, whoever brings it, and stays when its conversation goes."""

    answered: list[Answered] = field(default_factory=list)
    _counted: WeakSet[Call] = field(default_factory=WeakSet)
    _since: dict[tuple[str, str], tuple[int | None, float]] = field(default_factory=dict)
    """By workspace and endpoint id: the version of the config, and since when its calls are counted."""
    _last: dict[tuple[str, str], WireRecord] = field(default_factory=dict)
    """Of the endpoints that were called last, the last answered call."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, partner: str, endpoint: str, call: Call) -> None:
        """Count a call, once, if it was answered."""
        record = call.record
        with self._lock:
            if call in self._counted or record.status is None or record.finished_after is None:
                return
            self._counted.add(call)
            if record.status < 400:
                self.answered.append(Answered(partner, endpoint, _entity(record), record.sent_at or 0.0))
                del self.answered[:-KEPT]
                self._keep(partner, endpoint, record)

    def last(self, partner: str, endpoint: str) -> WireRecord | None:
        """The last answered call of that endpoint; None where there was none, or too many others came after it."""
        with self._lock:
            return self._last.get((partner, endpoint))

    def _keep(self, partner: str, endpoint: str, record: WireRecord) -> None:
        before = self._last.pop((partner, endpoint), None)
        newer = before is not None and (before.sent_at or 0.0) > (record.sent_at or 0.0)
        self._last[partner, endpoint] = before if before is not None and newer else record
        while len(self._last) > KEPT_RECORDS:
            del self._last[next(iter(self._last))]

    def let_go(self, of: Workspace) -> None:
        """Forget the whole calls of that workspace; the counts stay."""
        with self._lock:
            for partner, endpoint in list(self._last):
                if partner.startswith(f"{of.host} as "):
                    del self._last[partner, endpoint]

    def of(self, partner: str, detail: EndpointDetail) -> Tally:
        """What was counted since the endpoint's present config began to serve, as far as that was seen here."""
        endpoint, version = detail.endpoint, detail.config.version if detail.config else None
        with self._lock:
            known, since = self._since.setdefault((partner, endpoint.id), (version, (endpoint.created_ms or 0) / 1000))
            if known != version:
                since = (endpoint.updated_ms or 0) / 1000
                self._since[partner, endpoint.id] = version, since
            tally = Tally()
            for one in self.answered:
                if (one.partner, one.endpoint) == (partner, endpoint.name) and one.at >= since:
                    tally.silent += not one.entity
                    tally.calls.update([one.entity] if one.entity else [])
            return tally

    def restart(self, partner: str, endpoint: Endpoint) -> None:
        """Count from now on."""
        with self._lock:
            version, _ = self._since.get((partner, endpoint.id), (None, 0.0))
            self._since[partner, endpoint.id] = version, max((one.at for one in self.answered), default=0.0) + 1e-6


def all_tallies() -> Tallies:
    """The counts of this browser, with what its conversations have brought since they were looked at last."""
    tallies = kept(Tallies)
    for held in conversations():
        for turn in [*held.turns, *held.cleared]:
            for job in turn.jobs:
                tallies.note(held.held_with or "", job.request.endpoint, job.call)
    return tallies


def _entity(record: WireRecord) -> str:
    return next((value for name, value in record.reply_headers.items() if name.lower() == HEADER), "")
