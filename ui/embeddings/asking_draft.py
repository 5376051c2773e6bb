"""How an endpoint is to be asked for vectors, as far as it was said: kept for this browser."""

from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from services.background import in_background
from services.embeddings.asking import asking_for, check_asking
from services.embeddings.records import Asking, BodyForm
from services.endpoints import Endpoint, get_endpoint_detail
from services.errors import BadInput, PlaygroundError
from services.invocation import Interface, get_interface
from services.transforms import Transform
from services.typed_json import as_object
from services.workspace import Workspace
from ui.session import kept

MOST_DRAFTS = 100
NOT_READ = "Its schema could not be read, so this is a guess."
NOT_KNOWN = "It does not publish how it wants to be asked: say which body and which column its model takes."


@dataclass
class AskingDraft:
    """What was chosen and typed for one endpoint."""

    form: BodyForm
    column: str
    dimensions: int | None
    batch: int
    at_once: int
    document_params: str = ""
    """JSON objects as typed; empty for none."""
    query_params: str = ""
    transform: Transform | None = None
    source: str = ""
    """How the body's form is known, of a custom model; a sentence."""
    sure: bool = False
    """Whether it is known which transform is chosen: texts must not leave without what was to take something out."""

    def asking(self, endpoint: Endpoint) -> Asking:
        """As the endpoint will be asked. Raises BadInput for what cannot be sent."""
        if not self.sure:
            raise BadInput("It is not known which transform is chosen.", "See what is said where it is chosen.")
        if self.transform is not None and self.transform.gone:
            raise BadInput(f"The transform “{self.transform.name}” is gone.", "Choose another one, or none.")
        asking = replace(
            asking_for(endpoint),
            form=self.form,
            column=self.column,
            dimensions=self.dimensions,
            document_params=_object(self.document_params, "What is sent with the texts"),
            query_params=_object(self.query_params, "What is sent with a query"),
            transform=self.transform,
            batch=self.batch,
            at_once=self.at_once,
        )
        check_asking(asking)
        return asking


@dataclass
class _Drafts:
    """Those of this browser."""

    of: WeakKeyDictionary[Workspace, "OrderedDict[str, AskingDraft]"] = field(default_factory=WeakKeyDictionary)
    interfaces: "WeakKeyDictionary[Workspace, dict[str, Future[Interface]]]" = field(default_factory=WeakKeyDictionary)
    """What custom models take, as far as it was asked for."""
    last: WeakKeyDictionary[Workspace, str] = field(default_factory=WeakKeyDictionary)
    """The endpoint that was chosen last."""


def asking_draft(here: Workspace, endpoint: Endpoint) -> AskingDraft | None:
    """What is remembered for it; else what fits it by itself. None while a custom model's schema is being read."""
    known = kept(_Drafts)
    drafts = known.of.setdefault(here, OrderedDict())
    if endpoint.name not in drafts:
        interface = None if endpoint.task else known.interfaces.setdefault(here, {}).get(endpoint.name)
        if interface is None and not endpoint.task:
            interface = known.interfaces[here][endpoint.name] = _ask_interface(here, endpoint.name)
        if interface is not None and not interface.done():
            return None
        begin, source = _begin(endpoint, interface)
        drafts[endpoint.name] = AskingDraft(
            begin.form, begin.column, begin.dimensions, begin.batch, begin.at_once, source=source
        )
    drafts.move_to_end(endpoint.name)
    while len(drafts) > MOST_DRAFTS:
        drafts.popitem(last=False)
    return drafts[endpoint.name]


def ask_schema_again(here: Workspace, endpoint: Endpoint) -> None:
    """Forget what was said of it, and read its schema anew; for callbacks."""
    known = kept(_Drafts)
    known.of.get(here, OrderedDict()).pop(endpoint.name, None)
    known.interfaces.get(here, {}).pop(endpoint.name, None)


def _ask_interface(here: Workspace, name: str) -> "Future[Interface]":
    return in_background(lambda: get_interface(here, get_endpoint_detail(here, name)), f"interface of {name}")


def _begin(endpoint: Endpoint, asked: "Future[Interface] | None") -> tuple[Asking, str]:
    """How to ask it, and by what that is known."""
    if asked is None:
        return asking_for(endpoint), ""
    try:
        interface = asked.result()
    except PlaygroundError as error:
        return asking_for(endpoint), f"{NOT_READ} {error.message}"
    return asking_for(endpoint, interface), f"From {interface.source}." if interface.known else NOT_KNOWN


def last_endpoint(here: Workspace) -> str:
    """The endpoint that was asked last in that workspace; empty for none."""
    return kept(_Drafts).last.get(here, "")


def note_endpoint(here: Workspace, name: str) -> None:
    """Have it chosen the next time."""
    kept(_Drafts).last[here] = name


def _object(text: str, what: str) -> dict[str, Any]:
    return as_object(text, what) if text.strip() else {}
