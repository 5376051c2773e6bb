"""What each run cost: time, requests and tokens, as they were counted while it ran."""

import streamlit as st

from services.embeddings.records import Run
from ui.embeddings.compare.state import Pair
from ui.embeddings.tables import draw_table


def draw_costs(pair: Pair) -> None:
    """Draw both beside each other."""
    st.header("What did each cost?", anchor=False)
    a, b = _figures(pair.a.run), _figures(pair.b.run)
    draw_table(
        {"": list(a), pair.a_name: list(a.values()), pair.b_name: list(b.values())},
        key="embeddings.compare.costs",
        file_name="cost_and_time.csv",
        alt="Time, requests and tokens of each run",
    )
    st.caption(
        "Counted while each ran, on whatever else was running then: a pace is not a promise. Texts that are equal are sent once, "
        "and what was embedded before comes from the cache, free and at once."
    )


def _figures(run: Run) -> dict[str, str]:
    """Each figure as a sentence's worth; the same names for every run."""
    progress = run.progress
    fresh = progress.done - progress.cached
    return {
        "Dimensions": f"{run.dimensions:,}",
        "Texts with a vector": f"{progress.done:,} of {progress.texts:,}",
        "From the cache": "all" if progress.done and not fresh else f"{progress.cached:,}",
        "Requests": f"{progress.requests:,}" if progress.requests else "none",
        "Tokens": f"{progress.tokens:,}" if progress.tokens else "not counted" if progress.requests else "none",
        "Seconds": f"{progress.seconds:,.1f}",
        "Texts a second": f"{fresh / progress.seconds:,.0f}" if fresh and progress.seconds > 0 else "not measured",
        "Texts in a request": f"at most {run.asking.batch:,}",
        "Requests at once": f"at most {run.asking.at_once}",
    }
