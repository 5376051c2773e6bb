"""How alike some texts are, each with each: a picture of up to a hundred; of more, the nearest of each."""

import numpy as np
import streamlit as st

from services.embeddings.numbers import nearest, sample, similarity_matrix
from services.embeddings.records import Ints
from ui.embeddings.map.state import known_map
from ui.embeddings.neighbours.state import Choice, NeighboursView
from ui.embeddings.neighbours.subject import draw_text_choice, found
from ui.embeddings.numbers import computed, stamp
from ui.embeddings.plots import draw_heatmap
from ui.embeddings.tables import draw_table
from ui.embeddings.view import Shown
from ui.session import entered, mirror

MOST = 100
BEYOND = 5
"""Nearest texts of each, where there are too many for a picture."""
MOST_BEYOND = 2_000
_KEY = "embeddings.neighbours.matrix"


def draw_matrix(shown: Shown, view: NeighboursView) -> None:
    """Draw the choice of texts, and what they are to each other."""
    choices = _choices(shown)
    view.choice = view.choice if view.choice in choices else Choice.NEAREST
    st.segmented_control(
        "Which texts",
        choices,
        key=mirror(f"{_KEY}.choice", view.choice),
        required=True,
        on_change=_choose,
        args=(view,),
    )
    places = _chosen(shown, view)
    places = places[shown.usable()[places]]
    if len(places) < 2:
        st.info("These are fewer than two texts with a vector: there is nothing to compare.", icon=":material/info:")
    elif len(places) <= MOST:
        _draw_picture(shown, places)
    else:
        _draw_beyond(shown, places)


def _choices(shown: Shown) -> list[Choice]:
    map_of_run = known_map(shown)
    there = {
        Choice.SELECTION: map_of_run is not None and map_of_run.selection is not None,
        Choice.LABEL: any(shown.texts.labels or ()),
    }
    return [choice for choice in Choice if there.get(choice, True)]


def _chosen(shown: Shown, view: NeighboursView) -> Ints:
    match view.choice:
        case Choice.NEAREST:
            place = draw_text_choice(shown, view, key=_KEY)
            _draw_many(view)
            query = np.asarray(shown.vectors[place : place + 1])
            beside = nearest(shown.vectors, query, view.matrix_many - 1, leave_out=np.array([place])).indices[0]
            return np.array([place, *(int(at) for at in beside if at >= 0)], dtype=np.int64)
        case Choice.FOUND:
            st.text_input(
                "Texts that have", key=mirror(f"{_KEY}.word", view.word), on_change=_type, args=(view,),
                placeholder="a word or a part of one", icon=":material/search:",
            )  # fmt: skip
            return np.array(found(shown, view.word) if view.word.strip() else [], dtype=np.int64)
        case Choice.LABEL:
            return _of_label(shown, view)
        case Choice.SELECTION:
            map_of_run = known_map(shown)
            assert map_of_run is not None  # noqa: S101 - _choices offers it only then
            assert map_of_run.selection is not None  # noqa: S101
            return map_of_run.selection.indices
        case Choice.RANDOM:
            _draw_many(view)
            return np.flatnonzero(shown.usable())[sample(int(shown.usable().sum()), view.matrix_many)]


def _of_label(shown: Shown, view: NeighboursView) -> Ints:
    labels = shown.texts.labels or ()
    names = sorted({label for label in labels if label})
    view.label = view.label if view.label in names else names[0]
    st.selectbox("Label", names, key=mirror(f"{_KEY}.label", view.label), on_change=_choose_label, args=(view,))
    return np.array([place for place, label in enumerate(labels) if label == view.label], dtype=np.int64)


def _draw_many(view: NeighboursView) -> None:
    st.slider("Texts", 2, MOST, key=mirror(f"{_KEY}.many", view.matrix_many), on_change=_count, args=(view,))


def _draw_picture(shown: Shown, places: Ints) -> None:
    values = similarity_matrix(shown.vectors, places)
    texts = [shown.texts.texts[place] for place in places]
    draw_heatmap(
        values, texts, numbers=[int(place) + 1 for place in places], key=f"{_KEY}.picture",
        alt=f"Cosine similarity of {len(places)} texts to each other; the table below has the same figures",
    )  # fmt: skip
    apart = values[~np.eye(len(places), dtype=np.bool_)]
    st.caption(
        f"{len(places)} texts; two different ones are {float(np.mean(apart)):.2f} similar on average, "
        f"from {float(apart.min()):.2f} to {float(apart.max()):.2f}."
    )
    with st.expander("The same as a table"):
        columns: dict[str, list[object]] = {"#": [int(place) + 1 for place in places], "Text": list(texts)}
        columns |= {f"#{place + 1}": [float(value) for value in row] for place, row in zip(places, values, strict=True)}
        draw_table(columns, key=f"{_KEY}.table", file_name="similarities.csv", decimals=2, alt="Similarities")


def _draw_beyond(shown: Shown, places: Ints) -> None:
    some = places[sample(len(places), MOST_BEYOND)]
    drawn = f" {len(some):,} of them are looked at, drawn at random." if len(some) < len(places) else ""
    st.caption(f"{len(places):,} texts are too many for a picture, which has room for {MOST}. So: each one's {BEYOND} "
               f"nearest among them.{drawn}")  # fmt: skip
    of = ("nearest among", stamp(shown.owner, shown.run), some.tobytes())
    block = np.asarray(shown.vectors[some])
    near = computed(
        of, "Comparing each with each", lambda: nearest(block, block, BEYOND, leave_out=np.arange(len(some)))
    )
    rows = [
        (row, rank) for row in range(len(some)) for rank in range(near.indices.shape[1]) if near.indices[row, rank] >= 0
    ]
    texts = shown.texts.texts
    draw_table(
        {
            "Text": [texts[some[row]] for row, _ in rows],
            "Rank": [rank + 1 for _, rank in rows],
            "Similarity": [float(near.similarities[row, rank]) for row, rank in rows],
            "Nearest": [texts[some[near.indices[row, rank]]] for row, rank in rows],
            "#": [int(some[row]) + 1 for row, _ in rows],
            "# of the other": [int(some[near.indices[row, rank]]) + 1 for row, rank in rows],
        },
        key=f"{_KEY}.beyond",
        file_name="nearest_among.csv",
        alt="The nearest texts of each",
    )


def _choose(view: NeighboursView) -> None:
    view.choice = Choice(str(entered(f"{_KEY}.choice")))


def _choose_label(view: NeighboursView) -> None:
    view.label = str(entered(f"{_KEY}.label"))


def _type(view: NeighboursView) -> None:
    view.word = str(entered(f"{_KEY}.word") or "")


def _count(view: NeighboursView) -> None:
    view.matrix_many = int(str(entered(f"{_KEY}.many")))
