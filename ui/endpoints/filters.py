"""Find endpoints in a long list: search, filters and pages, which survive a visit to another page."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import streamlit as st

from services.endpoints import Endpoint
from ui.session import reseed, seed

PAGE = 25
SAID_SECONDS = 10.0
"""How long a sentence stays about what was done."""
ANY = ""
CUSTOM = "custom model"
_Values = Callable[[Endpoint], Sequence[str]]


def _states(endpoint: Endpoint) -> Sequence[str]:
    return [endpoint.state]


def _tasks(endpoint: Endpoint) -> Sequence[str]:
    return [endpoint.task or CUSTOM]


def _providers(endpoint: Endpoint) -> Sequence[str]:
    return endpoint.providers


# label -> the values that an endpoint has of it
_FILTERS: dict[str, _Values] = {"Task": _tasks, "State": _states, "Provider": _providers}


@dataclass
class EndpointsView:
    """What the list page remembers."""

    search: str = ""
    chosen: dict[str, str] = field(default_factory=dict)
    """The filters that are set, by label."""
    page: int = 1
    searches: int = 0
    """How often what is looked for has changed."""
    done: str = ""
    """What was done elsewhere that concerns this list; Markdown."""

    _until: float = 0.0

    def take_done(self) -> str:
        """The sentence, for SAID_SECONDS: the page may run again at once, when a newer list has come."""
        if self.done and not self._until:
            self._until = time.monotonic() + SAID_SECONDS
        elif time.monotonic() > self._until:
            self.done, self._until = "", 0.0
        return self.done

    def say(self, done: str) -> None:
        """Let the list say what was done."""
        self.done, self._until = done, 0.0

    def reset(self) -> None:
        """Show everything again."""
        self.search, self.chosen, self.page, self.searches = "", {}, 1, self.searches + 1
        for key in ("endpoints.search", *(f"endpoints.{label.lower()}" for label in _FILTERS)):
            reseed(key, "")

    def found(self, listed: Sequence[Endpoint]) -> list[Endpoint]:
        """Those that fit: every word of the search is somewhere in it, and every filter that is set holds."""
        words = self.search.lower().split()
        set_ = {label: value for label, value in self.chosen.items() if value}
        return [
            one for one in listed if _has(one, words) and all(v in _FILTERS[label](one) for label, v in set_.items())
        ]


def filter_bar(view: EndpointsView, listed: Sequence[Endpoint]) -> None:
    """Draw search and filters, and take in what was chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="endpoints-filters"):
        before = (view.search, dict(view.chosen))
        view.search = st.text_input(
            "Search",
            key=seed("endpoints.search", view.search),
            type="search",
            placeholder="Name, model, creator, description",
            live=True,
            width=300,
        ) or ""  # fmt: skip
        for label, values in _FILTERS.items():
            view.chosen[label] = _choice(view, label, {value for one in listed for value in values(one)})
        if (view.search, view.chosen) != before:
            view.page, view.searches = 1, view.searches + 1


def draw_page(view: EndpointsView, found: Sequence[Endpoint], draw: Callable[[Sequence[Endpoint]], None]) -> None:
    """Draw one page of them, and below it the way to the others."""
    pages = max(1, -(-len(found) // PAGE))
    view.page = min(view.page, pages)
    rows = st.container(gap="xsmall")
    if pages > 1:
        # A key for each search and length: so the choice begins at the page that is remembered, and is never beyond the last.
        view.page = st.pagination(pages, key=seed(f"endpoints.page.{view.searches}.{pages}", view.page))
    with rows:
        draw(found[(view.page - 1) * PAGE : view.page * PAGE])


def _choice(view: EndpointsView, label: str, values: set[str]) -> str:
    chosen = view.chosen.get(label, ANY)
    options = [ANY, *sorted(values | ({chosen} if chosen else set()))]
    key = seed(f"endpoints.{label.lower()}", chosen)
    return st.selectbox(
        label, options, key=key, format_func=lambda value: value or f"Any {label.lower()}", width=170
    ) or ANY  # fmt: skip


def _has(endpoint: Endpoint, words: Sequence[str]) -> bool:
    served = " ".join(f"{entity.name} {entity.entity}" for entity in endpoint.served_entities)
    text = f"{endpoint.name} {endpoint.task} {endpoint.creator} {endpoint.description} {served}".lower()
    return all(word in text for word in words)
