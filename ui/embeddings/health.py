"""Whether a run's vectors are sound: lengths, gaps, repetitions, how many directions they use."""

import numpy as np
import streamlit as st

from services.embeddings.numbers import Description, describe, lengths, sample, similarity_matrix
from services.embeddings.records import Floats, Run
from ui.embeddings.numbers import computed, stamp
from ui.embeddings.plots import draw_histogram
from ui.embeddings.tables import draw_table
from ui.embeddings.view import Shown
from ui.errors import showing_errors

PAIRED = 200
"""Texts whose similarities to each other are the picture of “two random texts”: 19,900 pairs."""
_KEY = "embeddings.health"
_FINE, _LOOK = ":material/check_circle:", ":material/warning:"


def health_view(shown: Shown) -> None:
    """Draw what was found, a sentence each, then the figures and the texts behind it."""
    st.fragment(_draw)(shown)


def _draw(shown: Shown) -> None:
    with showing_errors():
        of = ("describe", stamp(shown.owner, shown.run))
        found = computed(of, "Measuring the vectors", lambda: describe(shown.vectors))
        _draw_figures(found)
        for sentence in [_gaps(found), *_about_usable(found)]:
            st.markdown(sentence)
        if found.usable > 1:
            st.markdown(_level(found, _pairs(shown)))
        if found.usable:
            _draw_pictures(shown, found)
        _draw_without(shown)
        _draw_not_measured(found)


def _draw_figures(found: Description) -> None:
    with st.container(horizontal=True, gap="medium", key=f"{_KEY}-figures"):
        st.metric("Texts", f"{found.count:,}", width="content")
        st.metric("Usable vectors", f"{found.usable:,}", width="content")
        st.metric("Dimensions", f"{found.dimensions:,}", width="content")
        if found.usable:
            st.metric("Directions used", _number(found.effective_rank), width="content")
            st.metric("Two random texts", _number(found.similarities.mean, 2), width="content")


def _gaps(found: Description) -> str:
    if found.usable == found.count:
        every = "Its one text has" if found.count == 1 else f"All {found.count:,} texts have"
        return f"{_FINE} {every} a vector that can be compared."
    told = [
        f"{count:,} {'text has' if count == 1 else 'texts have'} {what}"
        for count, what in (
            (found.missing, "no vector"),
            (found.zero, "a vector of zeros only, which has no direction"),
        )
        if count
    ]
    left_out = "It is" if found.count - found.usable == 1 else "They are"
    return f"{_LOOK} {' and '.join(told)}. {left_out} left out of every figure here; the table below says why."


def _about_usable(found: Description) -> list[str]:
    if not found.usable:
        return []
    return [_lengths(found), _repetitions(found), *_directions(found)]


def _lengths(found: Description) -> str:
    if found.unit_length:
        return f"{_FINE} Every vector has length 1: dot product and cosine similarity are the same."
    if _vary(found):
        what = (
            f"The vectors have lengths from {_number(found.shortest, 3)} to {_number(found.longest, 3)}, "
            f"{_number(found.mean_length, 3)} on average."
        )
    else:
        what = f"Every vector has length {_number(found.mean_length, 3)}, not 1."
    return (
        f"{_LOOK} {what} Brickyard compares by cosine, which ignores lengths; an index that ranks by dot product would not, "
        "unless the vectors are normalised first."
    )


def _vary(found: Description) -> bool:
    """Whether lengths differ by more than a thousandth."""
    return found.longest - found.shortest > 1e-3 * found.longest


def _repetitions(found: Description) -> str:
    if not found.duplicates:
        return f"{_FINE} No two texts have exactly the same vector."
    same = "1 text has" if found.duplicates == 1 else f"{found.duplicates:,} texts have"
    advice = "Neighbours, *Near-duplicates* at 1.00 lists the pairs."
    if found.duplicates == found.usable - 1:
        advice = "They are all equal: an endpoint that ignores its input answers like this."
    return f"{_LOOK} {same} exactly the vector of an earlier text. {advice}"


def _directions(found: Description) -> list[str]:
    if not np.isfinite(found.effective_rank) or found.usable < 2:
        return []
    few = found.usable <= found.dimensions
    why = f" With {found.usable:,} texts it cannot be more than {found.usable - 1:,}." if few else ""
    return [
        f":material/explore: The texts spread as if over {_number(found.effective_rank)} equally used directions out of "
        f"{found.dimensions:,} (the effective rank).{why} Few directions mean that the model tells these texts apart by little."
    ]


def _level(found: Description, pairs: Floats) -> str:
    """By shares of the pairs, which hold for a level with two humps too: a deviation would not."""
    low, high, unusual = np.percentile(pairs, (25, 75, 95))
    if low == unusual:
        return (
            f":material/compare_arrows: Two random texts are {_number(found.similarities.mean, 2)} similar, all alike."
        )
    return (
        f":material/compare_arrows: Two random texts are {_number(found.similarities.mean, 2)} similar on average: half of all "
        f"pairs between {_number(low, 2)} and {_number(high, 2)}, 1 in 20 above {_number(unusual, 2)}. What is unusual for this "
        "model may be usual for another."
    )


def _draw_pictures(shown: Shown, found: Description) -> None:
    columns = list(st.columns(2 if _vary(found) else 1, gap="medium"))
    if _vary(found):
        with columns[0]:
            st.markdown("**Lengths of the vectors**")
            of = ("lengths", stamp(shown.owner, shown.run))
            values = computed(of, "Measuring lengths", lambda: lengths(shown.vectors))
            alt = "How many vectors have which length"
            draw_histogram({"length": values[values > 0]}, axis="length", key=f"{_KEY}.lengths", alt=alt)
    if found.usable > 1:
        with columns[-1]:
            st.markdown("**Similarity of two random texts**")
            alt = "How similar random pairs of texts are"
            draw_histogram({"pairs": _pairs(shown)}, axis="cosine similarity", key=f"{_KEY}.pairs", alt=alt)


def _pairs(shown: Shown) -> Floats:
    """Similarities of some texts to each other, each pair once."""
    of = ("pairs", stamp(shown.owner, shown.run))
    return computed(of, "Comparing random texts", lambda: _compared(shown))


def _compared(shown: Shown) -> Floats:
    usable = np.flatnonzero(shown.usable())
    drawn = usable[sample(len(usable), PAIRED)]
    values = similarity_matrix(shown.vectors, drawn)
    return np.asarray(values[np.triu_indices(len(drawn), 1)], dtype=np.float32)


def _draw_without(shown: Shown) -> None:
    places = [int(place) for place in np.flatnonzero(~shown.usable())]
    if not places:
        return
    st.markdown("**Texts without a usable vector**")
    why = {index: (message, hint) for index, message, hint in shown.run.failures}
    finite = [bool(np.isfinite(shown.vectors[place]).all()) for place in places]
    otherwise = _otherwise(shown.run)
    draw_table(
        {
            "#": [place + 1 for place in places],
            "Text": [shown.texts.texts[place] for place in places],
            "What happened": [
                "All zeros." if zero else why.get(place, (otherwise, ""))[0]
                for place, zero in zip(places, finite, strict=True)
            ],
            "Next": [why.get(place, ("", ""))[1] for place in places],
        },
        key=f"{_KEY}.without",
        file_name="without_a_vector.csv",
        alt="Texts without a usable vector, and why",
    )


def _otherwise(run: Run) -> str:
    """Why a text has no vector where its run does not say it of that text."""
    if run.progress.failed > len(run.failures) > 0:
        return f"Its reason was not kept; those of {len(run.failures):,} others were."
    if run.error is None and run.progress.texts <= run.progress.done + run.progress.failed:
        return "The endpoint gave none."
    return "It was not asked for: the run ended before."


def _draw_not_measured(found: Description) -> None:
    told = []
    if found.usable and found.rank_on < found.usable:
        told.append(f"the directions were measured on {found.rank_on:,} texts, drawn at random")
    if found.usable > 1:
        told.append(f"the similarity of two texts on {found.similarities.pairs:,} random pairs")
        if found.usable > PAIRED:
            told.append(f"its picture on the pairs among {PAIRED} texts")
    told.append(
        "whether the vectors mean what you need is not measured here: Neighbours, Compare and Retrieval show that"
    )
    st.caption("; ".join(told)[0].upper() + "; ".join(told)[1:] + ".")


def _number(value: float, decimals: int = 0) -> str:
    return f"{value:,.{decimals}f}"
