"""Two runs of the same texts, side by side: where the models agree, what moved, which separates labels better, at what cost."""

from collections.abc import Sequence

import streamlit as st

from ui.embeddings.compare.costs import draw_costs
from ui.embeddings.compare.figures import comparison_of, draw_agreement, draw_labels, draw_levels
from ui.embeddings.compare.maps import draw_maps
from ui.embeddings.compare.movers import draw_movers
from ui.embeddings.compare.state import CompareView, Pair, view_of
from ui.embeddings.other_runs import another_is_coming, as_shown, names_of, others
from ui.embeddings.view import Shown
from ui.errors import showing_errors
from ui.foreign_text import literal
from ui.session import entered, mirror_choice

__all__ = ["compare_view"]

_KEY = "embeddings.compare"


def compare_view(shown: Shown) -> None:
    """Draw the run that is shown beside another one of the same texts."""
    st.fragment(_draw)(shown)


def _draw(shown: Shown) -> None:
    names, beside = names_of(shown), others(shown)
    if not beside and another_is_coming(shown):
        st.info(
            "These texts are being embedded again. When that is over, both runs stand here.", icon=":material/compare:"
        )
        return
    if not beside:
        st.info(
            f"These texts have one run, through {literal(names[shown.run.key])}. To compare it, embed the same texts again, "
            "above, under *Embed with another model*: with another endpoint, or with other dimensions, parameters or transform.",
            icon=":material/compare:",
        )
        return
    view = view_of(shown)
    keys = [run.key for run in beside]
    view.other = view.other if view.other in keys else keys[0]
    st.selectbox(
        f"Compare {literal(names[shown.run.key])} with",
        keys,
        key=mirror_choice(f"{_KEY}.other", view.other, {key: names[key] for key in keys}),
        format_func=lambda key: names[key],
        on_change=_choose,
        args=(view, tuple(keys)),
    )
    with showing_errors():
        other = next(run for run in beside if run.key == view.other)
        _draw_pair(Pair(shown, as_shown(shown, other), names[shown.run.key], names[other.key]), view)


def _draw_pair(pair: Pair, view: CompareView) -> None:
    if not (pair.a.usable() & pair.b.usable()).any():
        st.info("No text has a usable vector in both runs. Health says why.", icon=":material/info:")
        draw_costs(pair)
        return
    found = comparison_of(pair, view)
    draw_agreement(found, view)
    draw_labels(pair, found)
    draw_maps(pair, view)
    draw_movers(pair, found, view)
    draw_levels(pair, found)
    draw_costs(pair)


def _choose(view: CompareView, there: Sequence[str]) -> None:
    chosen = entered(f"{_KEY}.other")
    view.other = str(chosen) if chosen in there else view.other  # else it is what that run was called before
