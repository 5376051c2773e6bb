"""Take away: the vectors and the picture as files, the map as a page of its own, and the code that makes them again."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from services.embeddings.exports import MOST_WRITTEN_OUT, csv_of, parquet_of, projector_of
from services.embeddings.records import Algorithm, Layout
from services.snippets.embeddings import TEXTS_FILE, call_snippets, run_snippet
from services.snippets.spark_embeddings import spark_snippets
from ui.components.embedding_map import HIDDEN, MapPoints
from ui.components.embedding_map.page import render_html
from ui.embeddings.map.colours import Colouring, colouring
from ui.embeddings.map.numbers import clusters_of, made_layout
from ui.embeddings.map.state import ColourBy, MapOfRun, known_map
from ui.embeddings.view import Shown
from ui.errors import showing_errors
from ui.snippet_list import draw_snippets

_KEY = "embeddings.away"
CODE_HEIGHT = 420
"""Pixels of a program; longer ones scroll."""
SIGN_IN = (
    "Host and token come from the environment: `export DATABRICKS_HOST=https://…` and `export DATABRICKS_TOKEN=…` before it "
    "runs. No credential is ever written into code."
)


def take_away_view(shown: Shown) -> None:
    """Draw it."""
    made = _layouts(shown)
    state = known_map(shown) or _best_map(shown, made)
    picture = next((one for one in made if (one.algorithm, one.dims) == (state.algorithm, state.dims)), made[0])
    st.header("Files", anchor=False)
    with showing_errors():
        _files(shown, made, picture, state)
    st.header("Code", anchor=False)
    code, call, spark = st.tabs(["The whole run", "One call", "A whole table, on Spark"])
    with code:
        st.caption(SIGN_IN)
        draw_snippets([run_snippet(shown.run, picture)], key=f"{_KEY}.run", height=CODE_HEIGHT)
    with call, showing_errors():
        draw_snippets(call_snippets(shown.run, shown.texts.texts, task=_task(shown)), key=f"{_KEY}.call")
    with spark:
        st.caption(
            "For more texts than one machine embeds: the same batches and the same care, on each of Spark's workers."
        )
        draw_snippets(spark_snippets(shown.run.asking), key=f"{_KEY}.spark", height=CODE_HEIGHT)


def _best_map(shown: Shown, made: list[Layout]) -> MapOfRun:
    """As the map begins where this tab has drawn none; not remembered, so that it may begin otherwise."""
    best = next((one for one in made if one.algorithm is not Algorithm.PCA), made[0])
    return MapOfRun(best.algorithm, best.dims, ColourBy.LABEL if any(shown.texts.labels or ()) else ColourBy.NOTHING)


def _layouts(shown: Shown) -> list[Layout]:
    """Every picture that there is of these vectors. PCA is always one."""
    wanted = [(algorithm, dims) for dims in (2, 3) for algorithm in Algorithm]
    found = [made_layout(shown, *one) for one in wanted]
    return [one for one in found if one is not None]


def _files(shown: Shown, made: list[Layout], picture: Layout, state: MapOfRun) -> None:
    """The buttons. What is made at a click is made outside of the script, where there is neither a visitor nor a place to tell
    an error: so all that needs one, or may fail, is here already."""
    clustered = st.checkbox("With clusters and their names", key=f"{_KEY}.clusters", value=False)
    clusters = _cluster_names(shown, state) if clustered else None
    too_many = shown.vectors.size > MOST_WRITTEN_OUT
    why = "More numbers than a text file should hold: take Parquet." if too_many else None
    none = None if shown.usable().any() else "No text has a usable vector."
    texts, run, vectors = shown.texts, shown.run, shown.vectors
    page = _page(shown, picture, colouring(shown, state, picture))
    with st.container(horizontal=True):
        _download("Parquet", "embeddings.parquet", lambda: parquet_of(texts, run, np.asarray(vectors), made, clusters))
        _download("CSV with vectors", "embeddings.csv", lambda: csv_of(texts, np.asarray(vectors), made, clusters), why)
        _download("CSV without vectors", TEXTS_FILE, lambda: csv_of(texts, None, made, clusters))
        _download(
            "TensorBoard projector", "projector.zip", lambda: projector_of(texts, np.asarray(vectors), clusters),
            why or none,
        )  # fmt: skip
        _download("The map, as a page", "map.html", page, none)
    st.caption(
        "Parquet has everything in one file: texts, labels, vectors, and the coordinates of each picture made. The page is "
        "a single file that needs no network. The map itself saves a PNG: the button is on it."
    )


def _download(label: str, name: str, make: Callable[[], bytes], why_not: str | None = None) -> None:
    """A file that is made when it is asked for."""
    st.download_button(
        label,
        make,
        name,
        key=f"{_KEY}.{label}",
        on_click="ignore",
        icon=":material/download:",
        disabled=why_not is not None,
        help=why_not,
    )


def _page(shown: Shown, picture: Layout, colours: Colouring) -> Callable[[], bytes]:
    def make() -> bytes:
        drawn = np.isfinite(picture.coordinates).all(axis=1)
        classes = np.where(drawn, colours.classes, HIDDEN).astype(np.uint8)
        return render_html(
            MapPoints(picture.coordinates, classes, None),
            shown.texts.texts,
            title=f"{shown.dataset.name}, by {shown.run.asking.endpoint}",
            caption=f"{picture.algorithm} in {picture.dims} dimensions, {int(drawn.sum()):,} texts",
            legend=colours.legend(np.flatnonzero(drawn)),
            scale=colours.scale,
        ).encode("utf-8", "replace")

    return make


def _cluster_names(shown: Shown, state: MapOfRun) -> list[str]:
    found = clusters_of(shown, state.clusters)
    return [found.names[label] if label >= 0 else "" for label in found.clusters.labels.tolist()]


def _task(shown: Shown) -> str:
    return "llm/v1/embeddings" if shown.run.asking.form.value == "input" else ""
