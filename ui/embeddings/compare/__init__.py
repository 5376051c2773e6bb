"""Two runs of the same texts, side by side: where the models agree, what moved, which separates labels better, at what cost."""

import streamlit as st

from ui.embeddings.compare.costs import draw_costs
from ui.embeddings.compare.figures import comparison_of, draw_agreement, draw_labels, draw_levels
from ui.embeddings.compare.maps import draw_maps
from ui.embeddings.compare.movers import draw_movers
from ui.embeddings.compare.state import CompareView, Pair, view_of
from ui.embeddings.other_runs import as_shown, names_of, others
from ui.embeddings.view import Shown
from ui.errors import showing_errors
from ui.foreign_text import literal
from ui.session import entered, mirror

__all__ = ["compare_view"]

_KEY = "embeddings.compare"


def compare_view(shown: Shown) -> None:
    """Draw the run that is shown beside another one of the same texts."""
    st.fragment(_draw)(shown)


def _draw(shown: Shown) -> None:
    names, beside = names_of(shown), others(shown)
    if not beside:
        st.info(
            f"These texts have one run, through {literal(names[shown.run.key])}. To compare it, embed the same texts again, "
            "above: with another endpoint, or with other dimensions, parameters or transform.",
            icon=":material/compare:",
        )
        return
    view = view_of(shown)
    keys = [run.key for run in beside]
    view.other = view.other if view.other in keys else keys[0]
    st.selectbox(
        f"Compare {literal(names[shown.run.key])} with",
        keys,
        key=mirror(f"{_KEY}.other", view.other),
        format_func=lambda key: names[key],
        on_change=_choose,
        args=(view,),
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


def _choose(view: CompareView) -> None:
    view.other = str(entered(f"{_KEY}.other"))
