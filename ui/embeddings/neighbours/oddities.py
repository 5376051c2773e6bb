"""Texts that say the same as another one, and texts that are like none."""

import math

import streamlit as st

from services.counting import in_words
from services.embeddings.numbers import near_duplicates, outliers
from ui.embeddings.neighbours.state import NeighboursView, Part
from ui.embeddings.neighbours.subject import choose_text
from ui.embeddings.numbers import computed, stamp
from ui.embeddings.tables import draw_table
from ui.embeddings.view import Shown
from ui.session import entered, mirror

LEAST = 0.5
_KEY = "embeddings.neighbours"


def draw_duplicates(shown: Shown, view: NeighboursView) -> None:
    """Pairs at or above a similarity that is chosen with a slider."""
    st.slider(
        "At least this similar",
        LEAST,
        1.0,
        step=0.01,
        key=mirror(f"{_KEY}.least", view.least),
        on_change=_set_least,
        args=(view,),
        help="Each model has levels of its own: what is near to a duplicate for one is usual for another.",
    )
    of = ("near-duplicates", stamp(shown.owner, shown.run), view.least)
    found = computed(of, "Comparing each text with each", lambda: near_duplicates(shown.vectors, least=view.least))
    if found.looked_at < found.of:
        st.caption(f"Among {found.looked_at:,} of {found.of:,} texts, drawn at random.")
    if not found.pairs:
        _draw_nearest_pair(shown, view)
        return
    listed = f"; the {len(found.pairs):,} most alike are listed" if found.found > len(found.pairs) else ""
    st.markdown(f"**{in_words(found.found, 'pair')}**{listed}")
    texts = shown.texts.texts
    draw_table(
        {
            "Similarity": [pair.similarity for pair in found.pairs],
            "Text": [texts[pair.first] for pair in found.pairs],
            "Like": [texts[pair.second] for pair in found.pairs],
            "Letter for letter": [texts[pair.first] == texts[pair.second] for pair in found.pairs],
            "#": [pair.first + 1 for pair in found.pairs],
            "# of the other": [pair.second + 1 for pair in found.pairs],
        },
        key=f"{_KEY}.pairs-{view.least:.2f}",
        file_name="near_duplicates.csv",
        alt="Pairs of texts that are alike, most alike first",
        on_pick=lambda row: _show(view, found.pairs[row].first),
    )
    st.caption("Choose a row to see the neighbours of its first text.")


def _draw_nearest_pair(shown: Shown, view: NeighboursView) -> None:
    """That there are none, how near the nearest ones are, and the way there."""
    of = ("nearest pair", stamp(shown.owner, shown.run))
    pairs = computed(
        of, "Looking for the two most alike", lambda: near_duplicates(shown.vectors, least=LEAST, most=1)
    ).pairs
    none = f"No two texts are {view.least:.2f} similar or more."
    if not pairs:
        st.info(f"{none} No two reach {LEAST:.2f} either.", icon=":material/check:")
        return
    least = math.floor(100 * pairs[0].similarity + 1e-4) / 100  # a float32 is a little less than 0.96
    st.info(f"{none} The two most alike: {pairs[0].similarity:.3f}.", icon=":material/check:")
    if least < view.least:
        st.button(
            f"Show pairs from {least:.2f}", key=f"{_KEY}.lower", on_click=_lower, args=(view, least),
            icon=":material/tune:",
        )  # fmt: skip


def draw_outliers(shown: Shown, view: NeighboursView) -> None:
    """The texts least like their nearest ones."""
    of = ("outliers", stamp(shown.owner, shown.run))
    found = computed(of, "Looking for texts that stand alone", lambda: outliers(shown.vectors))
    if not found.outliers:
        st.info("There are too few texts for one to stand apart.", icon=":material/info:")
        return
    rough = f" Of {found.of:,} texts, the {found.looked_at:,} loneliest by a rough look were measured." if (
        found.looked_at < found.of
    ) else ""  # fmt: skip
    st.caption(f"Those least similar to their {found.k} nearest texts, the loneliest first.{rough}")
    places = [one.index for one in found.outliers]
    columns: dict[str, list[object]] = {
        "Similarity to its nearest": [one.similarity for one in found.outliers],
        "Text": [shown.texts.texts[place] for place in places],
    }
    if shown.texts.labels is not None:
        columns["Label"] = [shown.texts.labels[place] for place in places]
    columns["#"] = [place + 1 for place in places]
    draw_table(
        columns,
        key=f"{_KEY}.outliers",
        file_name="outliers.csv",
        alt="Texts that stand alone, the loneliest first",
        on_pick=lambda row: _show(view, places[row]),
    )
    st.caption("Choose a row to see that text's neighbours.")


def _show(view: NeighboursView, place: int) -> None:
    view.part = Part.NEAREST
    choose_text(view, place)


def _lower(view: NeighboursView, least: float) -> None:
    view.least = least


def _set_least(view: NeighboursView) -> None:
    view.least = float(str(entered(f"{_KEY}.least")))
