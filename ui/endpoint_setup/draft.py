"""A draft that a person works on: the body, what was typed and is no JSON yet, and the way back. No Streamlit in here."""

import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from services.deployments import Deployment, Ending, Submission
from services.endpoint_setup import (
    ENTITIES,
    PROVIDERS,
    Body,
    EntityKind,
    Problem,
    draft_of,
    kind_of,
    new_body,
    new_entity,
    parsed,
    problems,
    shown,
    value_at,
    with_value,
    without_values,
)
from services.endpoint_setup.secret_fields import may_be_key
from services.endpoints import EndpointDetail
from services.errors import BadInput
from services.secret_scopes import Path, looks_like_key
from services.workspace import Workspace

KEPT_STEPS = 100
KEPT_DRAFTS = 30
KEPT_DEPLOYMENTS = 30


# A name with what follows it on its line, in whatever quotes; or else one word.
_TEXT = re.compile(
    r"""(?P<name>\w+)(?P<between>["'“”]?[ \t]*[:=][ \t]*)(?P<value>["'“][^"'”\n]*["'”]?|[^\s,{}\[\]]+)|[^\s"']+"""
)


def _without_keys(text: str) -> tuple[str, tuple[Path, ...]]:
    """What is no JSON yet, without what looks like a key in it: it is kept as it was typed, and a key is kept nowhere."""
    found: list[Path] = []

    def emptied(part: re.Match[str]) -> str:
        name, value = part["name"] or "", (part["value"] or part[0]).strip("\"'“”")
        if value in ("", "null") or not (looks_like_key(value) or (name and may_be_key((name,), value))):
            return part[0]
        found.append((name or "the JSON",))
        return f'{name}{part["between"]}""' if name else '""'

    return _TEXT.sub(emptied, text), tuple(found)


@dataclass
class Draft:
    """One draft: of a new endpoint, or of another config for one that is there."""

    body: Body = field(default_factory=lambda: new_body(new_entity(EntityKind.EXTERNAL, PROVIDERS[0])))
    updates: EndpointDetail | None = None
    """The endpoint whose config it changes, as it was when the draft was begun; None: it makes a new one."""
    original: Body = field(default_factory=dict)
    """Of an update: what serves now, as a body."""
    seen: float = field(default_factory=time.monotonic)
    """When the endpoint was seen so."""
    text: str | None = None
    """JSON as it was typed, while it is none."""
    wrong: BadInput | None = None
    """Why it is none."""
    taken_out: tuple[Path, ...] = ()
    """Where a key stood that was typed into the JSON, and is kept nowhere."""
    tried: bool = False
    """Whether it was to be sent: from then on everything that is missing is told at its field."""
    trial: bool = True
    submission: Submission | None = None
    sent: Body = field(default_factory=dict)
    """What was sent of it last."""
    followed: Deployment | None = None
    """The deployment whose end was taken in."""
    parked: dict[EntityKind, Body] = field(default_factory=dict)
    """The configs of the kinds that were left for another."""
    steps: list[Body] = field(default_factory=list)
    """The bodies before this one, for undo()."""
    changed_ms: int = 0
    """When it was changed last; 0 for never."""
    cautions: tuple[Problem, ...] = ()
    """What the workspace could not say when it was sent last."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """Whoever sends it holds this: tabs share a draft."""

    @property
    def creates(self) -> bool:
        """Whether it makes a new endpoint."""
        return self.updates is None

    @property
    def kind(self) -> EntityKind:
        """Which kind of model it serves, by its first served entity."""
        return kind_of(value_at(self.body, (*ENTITIES, 0)))

    @property
    def sending(self) -> bool:
        """Whether it is on its way out."""
        return self.submission is not None and self.submission.running

    @property
    def lost(self) -> bool:
        """Whether it was sent, its answer was lost, and it turned out not to have arrived."""
        deployment = self.submission.deployment if self.submission else None
        return deployment is not None and deployment.ending is Ending.NOT_MADE

    def problems(self) -> list[Problem]:
        """What is wrong with it, also what the workspace said when it was last to be sent as it is."""
        found = problems(self.body, updating=not self.creates)
        asked = self.submission
        return [*found, *(asked.problems if asked is not None and asked.body == self.body else ())]

    def change(self, body: Body) -> None:
        """Let the draft be *body* from now on. A key that stands in it in the clear is taken out and kept nowhere."""
        cleaned, self.taken_out = without_values(body)
        if cleaned == self.body:
            return
        self.steps = [*self.steps[1 - KEPT_STEPS :], self.body]
        self.body = cleaned
        self.changed_ms = int(time.time() * 1000)

    def edit(self, text: str) -> None:
        """The JSON as it was typed: it becomes the draft, or stays as it is with what is wrong with it."""
        try:
            body = parsed(text)
        except BadInput as wrong:
            self.text, self.taken_out = _without_keys(text)
            self.wrong = BadInput(wrong.message, wrong.hint)  # of its own: what caused the other one has the text
            return
        self.drop_edit()
        self.tried = True
        if not self.creates:
            body = {"name": self.body.get("name", "")} | body
        self.change(body)

    def drop_edit(self) -> None:
        """Back to the JSON of the draft."""
        self.text = self.wrong = None

    @property
    def shown_text(self) -> str:
        """The JSON for its text area."""
        return shown(self.body) if self.text is None else self.text

    def use_kind(self, kind: EntityKind) -> None:
        """Serve another kind of model. What was filled in for the kind before comes back with it."""
        if kind is self.kind:
            return
        self.parked[self.kind] = self.body.get("config", {})
        fresh = new_body(new_entity(kind, PROVIDERS[0]))["config"]
        self.change(with_value(self.body, ("config",), self.parked.get(kind, fresh)))
        self.tried = False

    def rebase(self, detail: EndpointDetail) -> None:
        """The endpoint was seen anew: differences are told from how it is now. A draft without changes follows it."""
        fresh = update_draft(detail)
        if self.body == self.original:
            self.body = fresh.body
        self.updates, self.original, self.seen = detail, fresh.original, time.monotonic()

    def follow(self, deployment: Deployment) -> None:
        """A deployment is over: what it ended with is what the draft is compared with; what was sent is now there."""
        if self.followed is deployment or deployment.detail is None:
            return
        self.followed = deployment
        if deployment.ending is Ending.READY and self.body == self.sent:
            self.body = self.original
        self.rebase(deployment.detail)

    def start_over(self) -> None:
        """Empty it, or for an update go back to what serves now; undo() brings it back."""
        self.drop_edit()
        self.submission = None
        self.tried = False
        self.change(self.original if not self.creates else Draft().body)

    def undo(self) -> None:
        """Back by one change."""
        if self.steps:
            self.body = self.steps.pop()
            self.taken_out = ()


def update_draft(detail: EndpointDetail, *, config: Any = None) -> Draft:
    """A draft that changes what that endpoint serves: to *config*, or for a start to what it serves now."""
    whole = draft_of(detail)
    original = {"name": detail.endpoint.name, "config": whole.get("config") or {}}
    return Draft(original | ({"config": config} if config is not None else {}), detail, original)


@dataclass
class Drafts:
    """The drafts and the deployments of this browser. Threads of submissions put deployments in."""

    drafts: "OrderedDict[tuple[str, str], Draft]" = field(default_factory=OrderedDict)
    deployments: "OrderedDict[tuple[str, str], Deployment]" = field(default_factory=OrderedDict)

    def draft(self, partner: str, endpoint: str) -> Draft | None:
        """The draft for that endpoint of that workspace and identity; "" is the new one."""
        return self.drafts.get((partner, endpoint))

    def keep(self, partner: str, endpoint: str, draft: Draft) -> Draft:
        """Remember it, in place of another for the same endpoint."""
        self.drafts[partner, endpoint] = draft
        self.drafts.move_to_end((partner, endpoint))
        while len(self.drafts) > KEPT_DRAFTS:
            self.drafts.popitem(last=False)
        return draft

    def drop(self, partner: str, endpoint: str) -> None:
        """Forget the draft."""
        self.drafts.pop((partner, endpoint), None)

    def watch(self, partner: str, deployment: Deployment) -> None:
        """Remember a deployment, in place of an earlier one of that endpoint."""
        before = self.deployments.pop((partner, deployment.endpoint), None)
        if before is not None:
            before.leave()
        self.deployments[partner, deployment.endpoint] = deployment
        over = [key for key, one in tuple(self.deployments.items()) if not one.changing]
        for key in over[: max(0, len(self.deployments) - KEPT_DEPLOYMENTS)]:
            self.deployments.pop(key, None)

    def deployment(self, partner: str, endpoint: str) -> Deployment | None:
        """The last deployment of that endpoint that this browser watches, or watched."""
        return self.deployments.get((partner, endpoint))

    def under_way(self, partner: str) -> list[Deployment]:
        """Those of that workspace and identity that are not over."""
        return [one for (of, _), one in tuple(self.deployments.items()) if of == partner and one.changing]

    def forget(self, partner: str, endpoint: str) -> None:
        """Show that deployment no more."""
        deployment = self.deployments.pop((partner, endpoint), None)
        if deployment is not None:
            deployment.leave()

    def let_go(self, of: Workspace) -> None:
        """Ask that workspace no more: its token is to be forgotten."""
        for key, deployment in tuple(self.deployments.items()):
            if deployment.workspace is of:
                deployment.leave()
                self.deployments.pop(key, None)
