"""The runs of a dataset: which is shown, what each took, which texts have no vector."""

from collections.abc import Sequence

import streamlit as st

from services.embeddings.datasets import embedding_store
from services.embeddings.records import Dataset, Run
from services.errors import BadInput
from services.workspace import Workspace
from ui.address import embeddings_in_address, show_embeddings_in_address
from ui.clock import day_and_clock
from ui.embeddings.other_runs import names_of_runs
from ui.embeddings.running import discard, figures, trouble_of
from ui.embeddings.view import MOST_SHOWN, EmbeddingsView, Shown, held_texts
from ui.errors import draw_error
from ui.foreign_text import code
from ui.session import entered, kept, mirror_choice, owner

KEY = "embeddings.run"
SHOWN_CHARACTERS = 200


def shown_run(here: Workspace, dataset: Dataset) -> Shown | None:
    """Draw the choice of the run, with its figures; None while there are no vectors. Raises PlaygroundError."""
    every = embedding_store().list_runs(owner(), dataset.id)
    runs = tuple(run for run in every if run.dimensions)
    if not runs:
        return None
    run = _chosen(dataset, every, runs)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="embeddings-runs"):
        _draw_choice(runs, run)
        st.caption(f"{run.dimensions:,} dimensions · {figures(run.progress)}", width="content")
        _draw_table(runs)
        _draw_failures(dataset, run)
        if st.button("Delete", key="embeddings.delete-run", icon=":material/delete:", type="tertiary"):
            _delete(dataset, run)
    if trouble := trouble_of(dataset, run):
        draw_error(trouble)
    return _shown(here, dataset, run, runs)


def _chosen(dataset: Dataset, every: Sequence[Run], runs: Sequence[Run]) -> Run:
    view, known = kept(EmbeddingsView), {run.key: run for run in runs}
    asked = embeddings_in_address("run")
    last = view.runs.get(dataset.id, "")
    chosen = next((known[name] for name in (asked, last) if name in known), runs[0])
    if asked and all(run.key != asked for run in every):  # one without a vector is told of above
        st.caption(":material/search_off: The run that the address names is not here, so another one is shown.")
    view.runs[dataset.id] = chosen.key
    show_embeddings_in_address(run=chosen.key)
    return chosen


def _draw_choice(runs: Sequence[Run], chosen: Run) -> None:
    labels = names_of_runs(runs)
    st.selectbox(
        "Vectors of",
        list(labels),
        key=mirror_choice(KEY, chosen.key, labels),
        format_func=lambda name: labels.get(name, str(name)),
        on_change=_choose,
        args=(tuple(labels),),
        label_visibility="collapsed",
        width=300,
    )


def _choose(known: Sequence[str]) -> None:
    chosen = entered(KEY)
    if chosen in known:  # else it is what a run was called before there was another one of its endpoint
        show_embeddings_in_address(run=str(chosen))


def _draw_table(runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        return
    labels = names_of_runs(runs)
    with st.popover(f"All {len(runs)} runs", icon=":material/table_rows:", type="tertiary", width="content"):
        st.dataframe(
            {
                "Endpoint": list(labels.values()),
                "State": [run.state.value for run in runs],
                "Dimensions": [run.dimensions for run in runs],
                "Texts": [run.progress.done for run in runs],
                "Without a vector": [run.progress.failed for run in runs],
                "Seconds": [round(run.progress.seconds, 1) for run in runs],
                "Texts/s": [_pace(run) for run in runs],
                "Tokens": [run.progress.tokens or None for run in runs],
                "Requests": [run.progress.requests for run in runs],
                "Here before": [run.progress.cached for run in runs],
                "Made": [day_and_clock(int(run.made.timestamp() * 1000)) for run in runs],
            },
            hide_index=True,
            height="content",
        )


def _pace(run: Run) -> float | None:
    """Texts a second, of those that were asked for; None where all were here before."""
    asked = run.progress.done - run.progress.cached
    return round(asked / run.progress.seconds, 1) if asked > 0 and run.progress.seconds > 0 else None


def _draw_failures(dataset: Dataset, run: Run) -> None:
    count = run.progress.failed
    if not count or not run.failures:
        return
    texts = held_texts(dataset).texts.texts
    known = [failure for failure in run.failures if failure[0] < len(texts)]
    what = "1 text has no vector" if count == 1 else f"{count:,} texts have no vector"
    with st.popover(what, icon=":material/warning:", type="tertiary"):
        st.dataframe(
            {
                "Row": [place + 1 for place, _, _ in known],
                "Text": [texts[place][:SHOWN_CHARACTERS] for place, _, _ in known],
                "What happened": [message for _, message, _ in known],
                "Next": [hint for _, _, hint in known],
            },
            hide_index=True,
            height="content" if len(known) <= 8 else 320,
        )
        if len(known) < count:
            st.caption(f"The first {len(known):,} of {count:,}.")
        st.caption("They are in no map and no list of neighbours. Embed asks for them again.")


@st.dialog("Delete these vectors?")
def _delete(dataset: Dataset, run: Run) -> None:
    st.markdown(
        f"What {code(run.label)} made of {code(dataset.name)}, and its maps, will be gone. The texts stay. "
        "Embedding them again sends only what is not remembered any more."
    )
    with st.container(horizontal=True):
        if st.button(
            ":red[Delete]",
            key="embeddings.delete-run-sure",
            icon=":material/delete:",
            on_click=discard,
            args=(dataset, run),
        ):
            st.rerun()
        if st.button("Keep them", key="embeddings.delete-run-not"):
            st.rerun()


def _shown(here: Workspace, dataset: Dataset, run: Run, runs: tuple[Run, ...]) -> Shown:
    """The same object as long as nothing of it has changed: views remember by it what they have counted."""
    held = held_texts(dataset)
    name = (run.key, id(here))
    last = held.shown.get(name)
    if last is None or last.here is not here or (last.dataset, last.run, last.runs) != (dataset, run, runs):
        vectors = embedding_store().get_vectors(owner(), dataset.id, run.key)
        if len(vectors) != len(held.texts):
            raise BadInput(
                f"There are {len(vectors):,} vectors for {len(held.texts):,} texts.",
                "Delete these vectors, and embed again.",
            )
        last = held.shown[name] = Shown(here, owner(), dataset, held.texts, run, vectors, runs)
        while len(held.shown) > MOST_SHOWN:
            held.shown.popitem(last=False)
    return last
