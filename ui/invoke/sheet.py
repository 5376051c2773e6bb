"""What a person fills in to invoke one endpoint: the body, what was typed and is no JSON yet, and the last call."""

import itertools
import json
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from services.background import in_background
from services.endpoints import get_endpoint_detail
from services.errors import BadInput, PlaygroundError
from services.invocation import (
    UNKNOWN,
    Form,
    Interface,
    InvocationJob,
    Misfit,
    form_in,
    get_interface,
    in_form,
    misfits,
)
from services.typed_json import as_object
from services.workspace import Workspace
from ui.call_transform import CallTransform

KEPT_SHEETS = 20
KEPT_STEPS = 50
KEPT_STEP_CHARACTERS = 100_000
"""A larger body is not kept for undo()."""
MOST_EDITED = 300_000
"""Characters of a body that can be edited here as JSON; a larger one can be sent."""
_numbers = itertools.count(1)

Body = dict[str, Any]
Rows = list[dict[str, Any]]


@dataclass
class Sheet:
    """One endpoint's. The body is the truth; the form and the JSON are views of it."""

    asked: "Future[Interface]"
    """How it wants to be asked."""
    number: int = field(default_factory=lambda: next(_numbers))
    """Tells its widgets from those of other sheets: an endpoint may be called anything."""
    body: Body = field(default_factory=dict)
    begun: bool = False
    wanted: Form = Form.FIELDS
    """The form that was chosen; the body may be in another."""
    text: str | None = None
    """JSON as it was typed, while it is none."""
    wrong: BadInput | None = None
    """Why it is none."""
    tried: bool = False
    """Whether it was to be sent: from then on what is missing is told too."""
    steps: list[Body] = field(default_factory=list)
    base: Rows = field(default_factory=list)
    """The rows that the table was drawn with; what the browser says of edits counts from them."""
    revision: int = 0
    """Of the table: another one where its rows were changed elsewhere."""
    sent: int = 0
    job: InvocationJob | None = None
    error: PlaygroundError | None = None
    """Why nothing was sent."""
    noted: InvocationJob | None = None
    """The job whose end was taken in."""
    shaping: CallTransform = field(default_factory=CallTransform)
    """The transform around the next call."""

    @property
    def interface(self) -> Interface:
        """How the endpoint wants to be asked; UNKNOWN until that has come, and where it could not be asked."""
        return UNKNOWN if not self.asked.done() or self.asked.exception() else self.asked.result()

    @property
    def refused(self) -> BaseException | None:
        """Why it could not be asked."""
        return self.asked.exception() if self.asked.done() else None

    @property
    def running(self) -> bool:
        """Whether more of a reply may arrive."""
        return self.job is not None and self.job.running

    @property
    def form(self) -> Form | None:
        """The form that shows the body; None where none can."""
        return form_in(self.interface, self.body, self.wanted)

    @property
    def shown_text(self) -> str:
        """The JSON for its editor."""
        return json.dumps(self.body, indent=2, ensure_ascii=False) if self.text is None else self.text

    def begin(self) -> None:
        """The endpoint has said how it wants to be asked: begin with the first example, unless something was typed."""
        if self.begun or not self.asked.done():
            return
        self.begun = True
        self.wanted = self.interface.forms[0]
        if not self.body and self.text is None:
            examples = self.interface.examples
            self.body = dict(examples[0].body) if examples else in_form(self.interface, {}, None, self.wanted)

    def change(self, body: Body) -> None:
        """Let the body be that one from now on."""
        self.error = None  # it was about what was there before
        if body == self.body:
            return
        if len(str(self.body)) <= KEPT_STEP_CHARACTERS:
            self.steps = [*self.steps[1 - KEPT_STEPS :], self.body]
        self.body, self.text, self.wrong = body, None, None

    def edit(self, text: str) -> None:
        """The JSON as it was typed: it becomes the body, or stays as it is with what is wrong with it."""
        try:
            body = as_object(text)
        except BadInput as wrong:
            self.text, self.wrong = text, BadInput(wrong.message, wrong.hint)
            return
        self.text = self.wrong = None
        self.change(body)

    def drop_edit(self) -> None:
        """Back to the JSON of the body."""
        self.text = self.wrong = self.error = None

    def use_form(self, form: Form) -> None:
        """Show the body in that form, and write its rows so."""
        before, self.wanted = self.form, form
        if form is not before:
            self.change(in_form(self.interface, self.body, before, form))

    def undo(self) -> None:
        """Back by one change."""
        if self.steps:
            self.body = self.steps.pop()
            self.text = self.wrong = None

    def misfits(self) -> list[Misfit]:
        """What does not fit what the model says it takes."""
        return misfits(self.interface, self.form, self.body)


@dataclass
class Sheets:
    """Those of this browser."""

    made: WeakKeyDictionary[Workspace, "OrderedDict[str, Sheet]"] = field(default_factory=WeakKeyDictionary)
    last: WeakKeyDictionary[Workspace, str] = field(default_factory=WeakKeyDictionary)
    """The endpoint that was looked at last."""

    def sheet(self, workspace: Workspace, name: str) -> Sheet:
        """That endpoint's, made at its first use; nothing here waits for the workspace."""
        held = self.made.setdefault(workspace, OrderedDict())
        if name not in held:
            held[name] = Sheet(ask(workspace, name))
        held.move_to_end(name)
        self.last[workspace] = name
        idle = [key for key, one in held.items() if not one.running and key != name]
        for key in idle[: max(0, len(held) - KEPT_SHEETS)]:
            del held[key]
        return held[name]

    def body(self, workspace: Workspace, name: str) -> Body | None:
        """What was filled in for that endpoint; None where nothing was, or more than can be edited."""
        sheet = self.made.get(workspace, OrderedDict()).get(name)
        if sheet is None or not sheet.body or len(str(sheet.body)) > MOST_EDITED:
            return None
        return sheet.body

    def let_go(self, of: Workspace) -> None:
        """End what runs with that workspace's token."""
        for sheet in self.made.pop(of, OrderedDict()).values():
            if sheet.job is not None:
                sheet.job.stop()


def ask(workspace: Workspace, name: str) -> "Future[Interface]":
    """Ask beside the script how that endpoint wants to be asked."""
    return in_background(lambda: get_interface(workspace, get_endpoint_detail(workspace, name)), f"interface of {name}")
