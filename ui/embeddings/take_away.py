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
from ui.embeddings.map.colours import colouring
from ui.embeddings.map.numbers import clusters_of, made_layout
from ui.embeddings.map.state import MapOfRun, known_map, new_map
from ui.embeddings.view import Shown
from ui.errors import showing_errors
from ui.snippet_list import draw_snippets

_KEY = "embeddings.away"


def take_away_view(shown: Shown) -> None:
    """Draw it."""
    state = known_map(shown) or new_map(shown, Algorithm.PCA, 2)
    made = _layouts(shown)
    picture = next((one for one in made if (one.algorithm, one.dims) == (state.algorithm, state.dims)), made[0])
    st.subheader("Files", anchor=False)
    _files(shown, made, picture, state)
    st.subheader("Code", anchor=False)
    code, call, spark = st.tabs(["The whole run", "One call", "A whole table, on Spark"])
    with code:
        draw_snippets([run_snippet(shown.run, picture)], key=f"{_KEY}.run")
    with call, showing_errors():
        draw_snippets(call_snippets(shown.run, shown.texts.texts, task=_task(shown)), key=f"{_KEY}.call")
    with spark:
        st.caption(
            "For more texts than one machine embeds: the same batches and the same care, on each of Spark's workers."
        )
        draw_snippets(spark_snippets(shown.run.asking), key=f"{_KEY}.spark")


def _layouts(shown: Shown) -> list[Layout]:
    """Every picture that there is of these vectors. PCA is always one."""
    wanted = [(algorithm, dims) for algorithm in Algorithm for dims in (2, 3)]
    found = [made_layout(shown, *one) for one in wanted]
    return [one for one in found if one is not None]


def _files(shown: Shown, made: list[Layout], picture: Layout, state: MapOfRun) -> None:
    clustered = st.checkbox("With clusters and their names", key=f"{_KEY}.clusters", value=False)
    clusters = _cluster_names(shown, state) if clustered else None
    too_many = shown.vectors.size > MOST_WRITTEN_OUT
    why = "More numbers than a text file should hold: take Parquet." if too_many else None
    vectors = np.asarray(shown.vectors)
    with st.container(horizontal=True):
        _download("Parquet", "embeddings.parquet", lambda: parquet_of(shown.texts, shown.run, vectors, made, clusters))
        _download("CSV with vectors", "embeddings.csv", lambda: csv_of(shown.texts, vectors, made, clusters), why)
        _download("CSV without vectors", TEXTS_FILE, lambda: csv_of(shown.texts, None, made, clusters))
        _download("TensorBoard projector", "projector.zip", lambda: projector_of(shown.texts, vectors, clusters), why)
        _download("The map, as a page", "map.html", lambda: _page(shown, picture, state))
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


def _page(shown: Shown, picture: Layout, state: MapOfRun) -> bytes:
    colours = colouring(shown, state, picture)
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


def _cluster_names(shown: Shown, state: MapOfRun) -> list[str]:
    found = clusters_of(shown, state.clusters)
    return [found.names[label] if label >= 0 else "" for label in found.clusters.labels.tolist()]


def _task(shown: Shown) -> str:
    return "llm/v1/embeddings" if shown.run.asking.form.value == "input" else ""
