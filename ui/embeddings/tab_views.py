"""What a tab has chosen in a view of a dataset. Two tabs choose for themselves; a new one begins where the last one was."""

import copy
from dataclasses import dataclass, field
from typing import TypeVar

from ui.embeddings.bounded import Bounded
from ui.embeddings.view import Shown
from ui.session import kept, remembered

View = TypeVar("View")

KEPT_VIEWS = 24
"""Of a tab, and of a browser; each dataset has one of each kind."""


@dataclass
class _OfTab:
    views: Bounded[object] = field(default_factory=lambda: Bounded(KEPT_VIEWS))


@dataclass
class _OfBrowser:
    """Those that were drawn last, in whichever tab."""

    views: Bounded[object] = field(default_factory=lambda: Bounded(KEPT_VIEWS))


def tab_view(kind: type[View], shown: Shown) -> View:
    """This tab's choices in that dataset. A tab that has none yet, after a reload for example, gets a copy of those made last;
    what was paid for stays one and the same in both."""
    key, browser = (kind, shown.owner, shown.dataset.id), kept(_OfBrowser).views
    view = remembered(_OfTab).views.get(key, lambda: copy.copy(browser.get(key, kind)))
    assert isinstance(view, kind)  # noqa: S101 - for the type checker: it was stored under its own type
    browser.put(key, view)
    return view
