"""What the driver-proxy page remembers of one workspace, for this browser: it outlives a reload."""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from services.clusters import Cluster
from services.driver_contract import ContractCheck
from services.driver_proxy import USUAL_PORT, DriverCallJob, Target, Via, headers_of
from services.errors import PlaygroundError
from services.transforms import Transform
from services.workspace import Workspace
from ui.session import kept, reseed

KEY = "driver-proxy"
TAB = "part"
"""The key of the page's tabs, and their name in its address."""
CALL = "Call"
PROMPT_FORM, JSON_FORM = "Prompt", "Any JSON"


@dataclass
class TargetDraft:
    """What is typed of a target."""

    cluster_id: str = ""
    port: int | None = USUAL_PORT
    path: str = "/"
    method: str = "POST"
    headers: str = ""
    """One ``Name: value`` a line."""
    org: str = "0"
    direct: bool = False
    name: str = ""
    """Under which it was saved, or is to be."""

    def target(self, *, name: str = "") -> Target:
        """As it is to be called. Raises BadInput for headers that are none; the rest is for ``check_target``."""
        return Target(
            name=name,
            cluster_id=self.cluster_id.strip(),
            port=self.port or 0,
            path=self.path.strip() or "/",
            method=self.method,
            headers=headers_of(self.headers),
            org=self.org.strip() or "0",
            via=Via.DIRECT if self.direct else Via.PROXY,
        )


@dataclass
class BodyDraft:
    """What is typed of a body."""

    form: str = PROMPT_FORM
    prompt: str = "How are you?"
    stop: list[str] = field(default_factory=list)
    temperature: float | None = None
    max_tokens: int | None = None
    more: str = ""
    json: str = '{\n  "prompt": "How are you?"\n}'


@dataclass
class DriverProxyView:
    """One workspace's."""

    draft: TargetDraft = field(default_factory=TargetDraft)
    body: BodyDraft = field(default_factory=BodyDraft)
    sent: int = 0
    """How many calls were asked for: each button is good for one."""
    job: DriverCallJob | None = None
    error: PlaygroundError | None = None
    """Why the last call was not sent."""
    called: Target | None = None
    checks: int = 0
    check: ContractCheck | None = None
    checked: Target | None = None
    check_error: PlaygroundError | None = None
    saves: int = 0
    save_error: PlaygroundError | None = None
    begun: bool = False
    """Whether a first cluster was chosen by itself."""
    transform: Transform | None = None

    def opens(self, target: Target) -> None:
        """Put *target* into the form; for callbacks, before its widgets are drawn."""
        draft = TargetDraft(
            target.cluster_id,
            target.port,
            target.path,
            target.method,
            "\n".join(f"{name}: {value}" for name, value in target.headers),
            target.org,
            target.via is Via.DIRECT,
            target.name,
        )
        self.draft, self.begun = draft, True
        for name, value in vars(draft).items():
            reseed(field_key(name), value)
        reseed(TAB, CALL)

    def chooses(self, cluster: Cluster) -> None:
        """Take that cluster; for callbacks."""
        self.draft.cluster_id, self.begun = cluster.cluster_id, True
        reseed(field_key("cluster_id"), cluster.cluster_id)

    def stop(self) -> None:
        """End what is under way."""
        if self.job is not None:
            self.job.stop()
        if self.check is not None:
            self.check.stop()


@dataclass
class _Views:
    """Those of this browser."""

    of: WeakKeyDictionary[Workspace, DriverProxyView] = field(default_factory=WeakKeyDictionary)

    def let_go(self, of: Workspace) -> None:
        """End what runs with that workspace's token."""
        found = self.of.pop(of, None)
        if found is not None:
            found.stop()


def driver_proxy_view(workspace: Workspace) -> DriverProxyView:
    """What is remembered of that workspace."""
    return kept(_Views).of.setdefault(workspace, DriverProxyView())


def field_key(name: str) -> str:
    """The key of the widget for that field of a target."""
    return f"{KEY}.{name}"
