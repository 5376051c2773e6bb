"""The drafts of the Transforms page: what is in them, which of them a tab shows, and whose typing counts."""

import uuid
from collections import OrderedDict
from dataclasses import dataclass, field

from services.errors import BadInput, PlaygroundError
from services.invocation import InvocationJob
from services.transforms import DRAFT, STARTERS, Envelope, Starter, Takes, Transform, library
from services.transforms.samples import sample_text
from services.workspace import Workspace
from ui.session import kept, owner, remembered
from ui.transforms.dry_run import DryRun

MOST_DRAFTS = 20
EMPTY = """\
def transform_input(**request):
    return request


def transform_output(response):
    return response
"""


@dataclass
class Draft:
    """One transform as it is being written. Kept for this browser, so that neither a reload nor another page loses it."""

    id: str
    """Does not change: “saved:<name>” of the first opening, or “draft:<number>”."""
    title: str
    """What it is called while it has no name."""
    name: str = ""
    """Under which it is saved; empty while it is not."""
    version: int = DRAFT
    """The one that was saved or opened last."""
    saved: str | None = None
    """The source of that version."""
    began: str | None = None
    """The source that it began with; None where that was somebody's work already."""
    filled: tuple[str, str] = ("", "")
    """The samples that it was given last, by a starter or an endpoint."""
    source: str = EMPTY
    request: str = ""
    response: str = ""
    """Samples, as typed; empty for none."""
    envelope: Envelope = Envelope.BODY
    endpoint: str = ""
    """Whose samples it was given, or that was shown with it last."""
    changes: int = 0
    """Counts what changed it, so that a tab knows whether what it shows is out of date."""
    changed_by: str = ""
    """The tab that changed it last."""
    dry_run: DryRun | None = None
    job: InvocationJob | None = None
    called: Workspace | None = None
    """Where the last call went."""
    sent: int = 0
    refusal: PlaygroundError | None = None
    """Why the last call was not sent."""
    refusal_to_keep: PlaygroundError | None = None
    """Why it was not saved or renamed."""
    refusal_to_attach: PlaygroundError | None = None
    """Why it was not attached or detached."""

    marked: tuple[int, bool] = (0, False)
    """How far its runs were when the editor was drawn, which marks what they found."""

    @property
    def progress(self) -> tuple[int, bool]:
        """How far its runs are."""
        return (self.dry_run.over if self.dry_run is not None else 0, self.calling)

    @property
    def unsaved(self) -> bool:
        """Whether there is anything that would be lost with it: that was typed, and that no version holds."""
        if self.saved is not None:
            return self.source != self.saved
        return self.source != self.began or self.samples_typed

    @property
    def samples_typed(self) -> bool:
        """Whether a person wrote in the samples."""
        return (self.request, self.response) != self.filled

    def fill(self, request: str, response: str) -> None:
        """Let the samples be these, whatever they were."""
        put_text(self, request=request, response=response)
        self.filled = (request, response)

    @property
    def transform(self) -> Transform:
        """What runs: the version, or a draft where it was changed since."""
        return Transform(self.name or self.title, DRAFT if self.source != self.saved else self.version, self.source)

    @property
    def calling(self) -> bool:
        """Whether a call with it is under way."""
        return self.job is not None and self.job.running


@dataclass
class TransformDrafts:
    """The drafts of this browser, the last shown one last."""

    open: "OrderedDict[str, Draft]" = field(default_factory=OrderedDict)
    count: int = 0

    def new(self, source: str = EMPTY, request: str = "", response: str = "") -> Draft:
        """A draft that begins with these texts. Raises BadInput where too many hold unsaved work."""
        made = self._numbered(source, request, response)
        made.began, made.filled = source, (request, response)
        self.put(made)
        return made

    def copy(self, like: Draft) -> Draft:
        """A draft of the texts of *like*, however many there are: what is in it may be nowhere else."""
        made = self._numbered(like.source, like.request, like.response)
        made.envelope = like.envelope
        self.open[made.id] = made
        return made

    def put(self, draft: Draft) -> None:
        """Take it in. Where there are too many, the oldest goes in which nothing is lost; raises BadInput for none."""
        while len(self.open) >= MOST_DRAFTS:
            idle = (one for one in self.open.values() if not one.unsaved and not one.calling)
            gone = next(idle, None)
            if gone is None:
                raise BadInput(
                    f"{len(self.open)} drafts hold work that is not saved, and no more are kept.",
                    "Save or discard one of them first.",
                )
            del self.open[gone.id]
        self.open[draft.id] = draft

    def _numbered(self, source: str, request: str, response: str) -> Draft:
        self.count += 1
        name = f"Draft {self.count}"
        return Draft(f"draft:{self.count}", name, source=source, request=request, response=response)

    def named(self, name: str) -> Draft | None:
        """The draft that is saved under that name."""
        return next((one for one in self.open.values() if one.name == name), None)

    def without(self, names: list[str]) -> None:
        """Of the saved ones only *names* are still there: what else is open is a draft from now on."""
        for draft in self.open.values():
            if draft.name and draft.name not in names:
                draft.name, draft.version, draft.saved = "", DRAFT, None

    def let_go(self, of: Workspace) -> None:
        """End what runs with that workspace's token, and forget what it brought."""
        for draft in self.open.values():
            if draft.job is not None and draft.called is of:
                draft.job.stop()
                draft.job = draft.called = None


@dataclass
class TransformTab:
    """What this tab shows."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    shown: str = ""
    seen: int = 0
    """The draft's changes that its editors show."""
    revision: int = 0
    """Of its editors' texts."""
    linked: str = ""
    """The transform that its address named when it was looked at last."""
    endpoint: str = ""
    """For samples and calls."""
    fits: Takes | None = None
    """A starter was chosen, and an endpoint of this kind fits it."""
    refill: bool = False
    """An endpoint was chosen, and its samples are to be put where nobody has typed any."""
    brings: bool = False
    """With the body that Invoke has for it, where there is one."""
    said: str = ""
    """What came of the last click, as a sentence of ours in Markdown."""
    said_of_place: str = ""
    """The same, of attaching and detaching."""
    refusal: PlaygroundError | None = None
    """Why the last choice of a transform was not followed."""

    def shows(self, draft: Draft) -> None:
        """Show that draft from now on."""
        self.shown, self.seen = draft.id, draft.changes
        self.revision += 1

    def follows(self, draft: Draft) -> None:
        """Before its editors are drawn: take what something else than their typing has changed."""
        if draft.id != self.shown or self.seen != draft.changes:
            self.shows(draft)


def drafts() -> TransformDrafts:
    """This browser's."""
    return kept(TransformDrafts)


def tab() -> TransformTab:
    """This tab's."""
    return remembered(TransformTab)


def type_into(draft: Draft, part: str, text: str) -> None:
    """Take what was typed into the editor of *part* (“source”, “request”, “response”).

    Where another tab changed the same draft meanwhile, this tab's text becomes a draft of its own: neither is overwritten.
    """
    here = tab()
    if getattr(draft, part) == text:
        return
    if here.seen != draft.changes and draft.changed_by != here.id and here.shown == draft.id:
        draft = drafts().copy(draft)
        here.said = (
            f"Another tab changed this transform meanwhile. What you typed here is now {draft.title}; nothing is lost."
        )
        # The browser shows it already: no new revision.
        here.shown = draft.id
    here.seen = here.seen + 1 if here.seen == draft.changes else here.seen
    _put(draft, part, text)


def put_text(draft: Draft, **texts: str) -> None:
    """Let the draft hold these texts, whatever its editors show."""
    for part, text in texts.items():
        _put(draft, part, text)


def _put(draft: Draft, part: str, text: str) -> None:
    setattr(draft, part, text)
    draft.changes += 1
    draft.changed_by = tab().id


def open_saved(name: str) -> Draft:
    """The draft of that saved transform; where nothing in it waits to be saved, it holds the latest version.

    Raises PlaygroundError.
    """
    draft, found = drafts().named(name), library().get(owner(), name)
    if draft is None:
        draft = Draft(f"saved:{name}", name)
        drafts().put(draft)
    if not draft.unsaved or draft.version == DRAFT:
        is_saved(draft, found)
        if draft.source != found.source:
            put_text(draft, source=found.source)
    return draft


def is_saved(draft: Draft, found: Transform) -> None:
    """Note that *found* is what is saved of it."""
    draft.name = draft.title = found.name
    draft.version, draft.saved = found.version, found.source


def begin(starter: Starter | None = None) -> Draft:
    """A new draft, from *starter* with its samples; shown in this tab. Raises BadInput where there is no room for one."""
    if starter is None:
        draft = drafts().new()
    else:
        samples = ("" if one is None else sample_text(one) for one in (starter.request, starter.response))
        draft = drafts().new(starter.source, *samples)
        draft.envelope, tab().fits = starter.envelope, starter.asks
    tab().shows(draft)
    return draft


def begin_again(draft: Draft, takes: Takes) -> bool:
    """Let a starter that was only looked at, and that is for other calls, be one that *takes* such; whether it is now."""
    found = next((one for one in STARTERS if one.source == draft.source), None)
    if found is None or draft.name or draft.unsaved or found.takes in (takes, Takes.ANY):
        return False
    fitting = next(one for one in STARTERS if one.takes is takes and one.request is not None)
    put_text(draft, source=fitting.source)
    draft.began, draft.dry_run = fitting.source, None
    return True
