"""The texts nearest to one, in the run that is shown and in others beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from services.embeddings.numbers import nearest
from services.embeddings.records import Ints
from ui.embeddings.neighbours.state import NeighboursView
from ui.embeddings.neighbours.subject import Looked, choose_text, draw_subject
from ui.embeddings.other_runs import as_shown, names_of, others
from ui.embeddings.tables import Columns, draw_table
from ui.embeddings.view import Shown
from ui.foreign_text import literal
from ui.session import entered, mirror, mirror_choice

MOST = 50
DEEP = 200
"""How far down another run's ranks are told."""
BESIDE = 3
"""Runs that are shown beside unless others are chosen."""
_KEY = "embeddings.neighbours"
_TEXT_WIDTH = 330
"""Pixels: so that the other runs' ranks are in sight."""


@dataclass(frozen=True)
class Ranked:
    """What one run finds."""

    name: str
    places: tuple[int, ...]
    """Nearest first, DEEP of them."""
    similarities: tuple[float, ...]

    def rank(self, place: int) -> int | None:
        """From 1; None beyond DEEP."""
        return self.places.index(place) + 1 if place in self.places else None


def draw_nearest(shown: Shown, view: NeighboursView) -> None:
    """Draw whose, how many, and the table. Raises StateTrouble where another run cannot be read."""
    runs = [shown, *(as_shown(shown, run) for run in others(shown) if run.key in _beside(shown, view))]
    looked = draw_subject(shown, runs, view)
    _draw_choices(shown, view)
    if looked is None:
        return
    names = names_of(shown)
    found = [_ranked(one, looked, names[one.run.key]) for one in runs if one.run.key in looked.vectors]
    if not found[0].places:
        whose = "This text" if looked.own is not None else "The query"
        st.info(f"{whose} has no vector that can be compared.", icon=":material/info:")
        return
    places = _places(found, view.many)
    own = "query" if looked.own is None else str(looked.own)
    draw_table(
        _columns(shown, found, places, view.many),
        key=f"{_KEY}.table-{own}-{len(places)}",
        file_name="neighbours.csv",
        alt="The nearest texts, nearest first",
        widths={"Text": _TEXT_WIDTH} if len(found) > 1 else None,
        on_pick=lambda row: choose_text(view, places[row]),
    )
    _draw_agreement(found, view.many)
    st.caption("By cosine similarity of the vectors themselves, exact. Choose a row to see that text's neighbours.")


def _beside(shown: Shown, view: NeighboursView) -> list[str]:
    there = [run.key for run in others(shown)]
    return there[:BESIDE] if view.beside is None else [key for key in view.beside if key in there]


def _draw_choices(shown: Shown, view: NeighboursView) -> None:
    many, beside = st.columns([2, 3])
    many.slider("How many", 1, MOST, key=mirror(f"{_KEY}.many", view.many), on_change=_count, args=(view,))
    there = {run.key: names_of(shown)[run.key] for run in others(shown)}
    if not there:
        beside.caption("Embed these texts with another endpoint, and its neighbours stand beside these.")
        return
    beside.multiselect(
        "Beside it",
        list(there),
        key=mirror_choice(f"{_KEY}.beside", _beside(shown, view), there),
        format_func=lambda key: there[key],
        on_change=_choose_beside,
        args=(view,),
        placeholder="other runs of these texts",
    )


def _ranked(run: Shown, looked: Looked, name: str) -> Ranked:
    leave_out: Ints | None = None if looked.own is None else np.array([looked.own], dtype=np.int64)
    found = nearest(run.vectors, looked.vectors[run.run.key], DEEP, leave_out=leave_out)
    there = [
        (int(at), float(near)) for at, near in zip(found.indices[0], found.similarities[0], strict=True) if at >= 0
    ]
    return Ranked(name, tuple(at for at, _ in there), tuple(near for _, near in there))


def _places(found: Sequence[Ranked], many: int) -> list[int]:
    """The first run's, nearest first, then what only others find among their nearest."""
    return list(dict.fromkeys(place for one in found for place in one.places[:many]))


def _columns(shown: Shown, found: Sequence[Ranked], places: Sequence[int], many: int) -> Columns:
    here, beside = found[0], found[1:]
    near: Mapping[int, float] = dict(zip(here.places, here.similarities, strict=True))
    columns: dict[str, Sequence[object]] = {
        "Rank": [here.rank(place) for place in places],
        "Similarity": [near.get(place, float("nan")) for place in places],
        "Text": [shown.texts.texts[place] for place in places],
    }
    if shown.texts.labels is not None:
        columns["Label"] = [shown.texts.labels[place] for place in places]
    for one in beside:
        columns[f"Rank in {one.name}"] = [one.rank(place) for place in places]
    if beside:
        columns["Found by"] = [_found_by(found, place, many) for place in places]
    if shown.texts.ids is not None:
        columns["Id"] = [shown.texts.ids[place] for place in places]
    columns["#"] = [place + 1 for place in places]
    return columns


def _found_by(found: Sequence[Ranked], place: int, many: int) -> str:
    having = [one for one in found if place in one.places[:many]]
    if len(having) == len(found):
        return "both" if len(found) == 2 else "all"
    return "only here" if having == [found[0]] else ", ".join("here" if one is found[0] else one.name for one in having)


def _draw_agreement(found: Sequence[Ranked], many: int) -> None:
    here = set(found[0].places[:many])
    for one in found[1:]:
        shared = len(here & set(one.places[:many]))
        st.caption(
            f"{shared} of these {len(here)} are among the {len(one.places[:many])} nearest in {literal(one.name)} too; "
            f"its ranks are told down to {DEEP}."
            if one.places
            else f"{literal(one.name)} has no vector for it."
        )


def _count(view: NeighboursView) -> None:
    view.many = int(str(entered(f"{_KEY}.many")))


def _choose_beside(view: NeighboursView) -> None:
    chosen = entered(f"{_KEY}.beside")
    view.beside = tuple(str(key) for key in chosen) if isinstance(chosen, list | tuple) else ()
