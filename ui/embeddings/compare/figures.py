"""Two models in figures, each with a sentence that says what it means."""

import math

import streamlit as st

from services.embeddings.numbers import Comparison, Estimate, compare
from ui.embeddings.compare.state import CompareView, Pair
from ui.embeddings.numbers import computed
from ui.embeddings.plots import draw_histogram
from ui.embeddings.tables import draw_table
from ui.foreign_text import literal
from ui.session import entered, mirror

MOST_K = 50
_KEY = "embeddings.compare"
_CLOSE, _FAR = 0.7, 0.3
"""Of a text's neighbours: more than that are the same, fewer than that."""


def comparison_of(pair: Pair, view: CompareView) -> Comparison:
    """The figures of the pair, computed once."""
    labels = pair.a.texts.labels if any(pair.a.texts.labels or ()) else None
    return computed(
        ("compare", *pair.stamp, view.k, hash(labels)),
        "Comparing the neighbours of each text in both runs",
        lambda: compare(pair.a.vectors, pair.b.vectors, k=view.k, labels=labels),
    )


def draw_agreement(found: Comparison, view: CompareView) -> None:
    """How many of a text's neighbours both models see."""
    st.header("Do they see the same neighbours?", anchor=False)
    st.slider("Neighbours of each text", 1, MOST_K, key=mirror(f"{_KEY}.k", view.k), on_change=_count, args=(view,))
    if math.isnan(found.overlap.value):
        st.info("There are too few texts with a vector in both runs.", icon=":material/info:")
        return
    st.markdown(_overlap(found))
    some = "" if found.looked_at == found.of else f" {found.looked_at:,} of them were looked at, drawn at random."
    cka = "" if math.isnan(found.cka) else (
        f" Linear CKA is {found.cka:.2f}: 1 where one model's vectors are the other's, turned; it does not look at neighbours."
        + ("" if found.cka_on == found.of else f" It was measured on {found.cka_on:,} texts, drawn at random.")
    )  # fmt: skip
    st.caption(
        f"Of {found.of:,} texts with a vector in both.{some} Two models with nothing in common would share "
        f"{found.chance * found.k:.1f} of {found.k}.{cka}"
    )
    if found.looked_at > 2:
        draw_histogram(
            {"texts": found.overlaps}, axis=f"share of the {found.k} nearest that both see", key=f"{_KEY}.overlaps",
            alt="How many texts keep which share of their neighbours", steps=found.k,
        )  # fmt: skip


def draw_labels(pair: Pair, found: Comparison) -> None:
    """Which model separates the labels better, or why that cannot be said."""
    st.header("Which one separates the labels better?", anchor=False)
    if found.labels is None:
        st.caption(
            "These texts have no labels, so nothing says which neighbours are the right ones. Add a label column, or lasso and "
            "label some texts on the map; or ask with queries under Retrieval."
        )
        return
    agreement = found.labels
    st.markdown(literal(agreement.sentence(pair.a_name, pair.b_name)))
    if math.isnan(agreement.a.value):
        return
    draw_table(
        {
            "": [pair.a_name, pair.b_name, "Second minus first"],
            "Neighbours with the same label": _column([agreement.a, agreement.b, agreement.difference], "value"),
            "From": _column([agreement.a, agreement.b, agreement.difference], "low"),
            "To": _column([agreement.a, agreement.b, agreement.difference], "high"),
        },
        key=f"{_KEY}.labels",
        file_name="label_separation.csv",
        alt="How well each model keeps texts of one label together",
    )
    left_out = f" {agreement.left_out:,} texts were left out: no label, or the only one of its kind." if (
        agreement.left_out
    ) else ""  # fmt: skip
    st.caption(
        f"The share of a text's {found.k} nearest that have its label, mean over {agreement.a.of:,} texts; from and to: where "
        f"95 of 100 such samples would lie (bootstrap). A model that knows nothing would reach {agreement.chance:.2f}.{left_out}"
    )


def draw_levels(pair: Pair, found: Comparison) -> None:
    """Each model's own level of similarity."""
    st.header("How similar is similar?", anchor=False)
    for name, level in ((pair.a_name, found.similarities_a), (pair.b_name, found.similarities_b)):
        if not math.isnan(level.mean):
            st.markdown(
                f"- {literal(name)}: two random texts are **{level.mean:.2f}** similar, give or take {level.deviation:.2f}."
            )
    st.caption("Each model has its own level: a threshold that is right for one means nothing to the other.")


def _overlap(found: Comparison) -> str:
    share = found.overlap.value
    if share == 1:
        return f"**All {found.k} nearest are the same** in both, for every text looked at: to a search these two are one model."
    kept = f"Of a text's {found.k} nearest, **{share * found.k:.1f} are the same** in both, on average"
    sure = "" if math.isnan(found.overlap.low) else (
        f" (95 % interval {found.overlap.low * found.k:.1f} to {found.overlap.high * found.k:.1f})"
    )  # fmt: skip
    if share >= _CLOSE:
        return f"{kept}{sure}. For most texts either model finds the same."
    if share <= _FAR:
        return f"{kept}{sure}. They see these texts quite differently: what one finds, the other mostly does not."
    return f"{kept}{sure}. They agree in part; the texts that moved most are below."


def _column(estimates: list[Estimate], which: str) -> list[float]:
    return [float(getattr(one, which)) for one in estimates]


def _count(view: CompareView) -> None:
    view.k = int(str(entered(f"{_KEY}.k")))
