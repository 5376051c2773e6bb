"""Texts of the map as rows of a table, or of a file."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from services.embeddings.records import Floats, Ints, Layout
from ui.embeddings.map.numbers import NamedClusters
from ui.embeddings.map.state import MapOfRun
from ui.embeddings.tables import to_csv
from ui.embeddings.view import Shown

Columns = dict[str, Sequence[object]]

NUMBER, TEXT, LABEL, CLUSTER, LENGTH, DISTORTION, SIMILARITY = (
    "Number", "Text", "Label", "Cluster", "Length", "Distortion", "Similarity",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What is known of each text beside itself."""

    layout: Layout
    clusters: NamedClusters | None = None
    distortion: Floats | None = None


def columns_of(shown: Shown, state: MapOfRun, known: Known, indices: Ints) -> Columns:
    """A column for everything that is known of these texts; None where it is not known of one."""
    texts, at = shown.texts, [int(index) for index in indices]
    columns: Columns = {NUMBER: [index + 1 for index in at], TEXT: [texts.texts[index] for index in at]}
    if texts.labels:
        columns[LABEL] = [texts.labels[index] for index in at]
    if texts.ids:
        columns["ID"] = [texts.ids[index] for index in at]
    if known.clusters is not None:
        columns[CLUSTER] = _cluster_names(known.clusters, indices)
    for axis, name in zip(known.layout.coordinates.T, "xyz", strict=False):
        columns[name] = _numbers(axis[indices])
    columns[LENGTH] = [len(texts.texts[index]) for index in at]
    if known.distortion is not None:
        columns[DISTORTION] = _numbers(known.distortion[indices])
    if state.query is not None:
        columns[SIMILARITY] = _numbers(state.query.scores[indices])
    return columns


def draw_file(shown: Shown, state: MapOfRun, known: Known, indices: Ints, *, key: str, file_name: str) -> None:
    """Offer these texts as a CSV file, made at the click: of many, that takes a moment."""
    st.download_button(
        "Save as CSV",
        lambda: to_csv(columns_of(shown, state, known, indices)),
        file_name,
        "text/csv",
        key=key,
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


def _cluster_names(named: NamedClusters, indices: Ints) -> list[object]:
    return [named.names[place] if place >= 0 else None for place in named.clusters.labels[indices]]


def _numbers(values: npt.NDArray[np.floating]) -> list[object]:
    return [float(value) if np.isfinite(value) else None for value in values]
