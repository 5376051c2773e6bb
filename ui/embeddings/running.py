"""Begin an embedding, watch it, stop it, take it up again."""

import streamlit as st

from services.embeddings.asking import EmbeddingJob, embedding_runs, host_of, run_key
from services.embeddings.datasets import embedding_store
from services.embeddings.records import Asking, Dataset, Progress, Run, RunState
from services.errors import PlaygroundError
from services.workspace import Workspace
from ui.embeddings.asking import hooks_of
from ui.embeddings.model import Choice
from ui.embeddings.view import EmbeddingsTab, EmbeddingsView, place_of
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.session import kept, owner, remembered, show_embeddings_in_address

EVERY = 1.0
_ENDED = {
    RunState.RUNNING: "was interrupted when Brickyard ended",
    RunState.STOPPED: "was stopped",
    RunState.FAILED: "ended before its end",
}


def embed_button(here: Workspace, dataset: Dataset, choice: Choice) -> None:
    """Draw it. Each one is good for one embedding: a second click on the same one finds it used."""
    view, asking = kept(EmbeddingsView), choice.asking
    job = embedding_runs().job_of(owner(), dataset.id, run_key(host_of(here), asking)) if asking is not None else None
    under_way = job is not None and job.running
    st.button(
        "Embed",
        key=f"embeddings.embed-{view.begun}",
        type="primary" if choice.left or asking is None else "secondary",
        icon=":material/play_arrow:",
        on_click=_embed,
        args=(here, dataset, choice, view.begun),
        disabled=not choice.may_send or under_way,
        help="It is under way" if under_way else None,
    )
    if error := view.errors.get(dataset.id):
        draw_error(error)


def _embed(here: Workspace, dataset: Dataset, choice: Choice, number: int) -> None:
    view = kept(EmbeddingsView)
    try:
        asking = choice.draft.asking(choice.endpoint)
    except PlaygroundError as error:
        view.errors[dataset.id] = error
        return
    _begin(here, dataset, asking, number)


def _begin(here: Workspace, dataset: Dataset, asking: Asking, number: int) -> None:
    view = kept(EmbeddingsView)
    if number != view.begun:
        return
    view.begun += 1
    view.errors.pop(dataset.id, None)
    try:
        job = embedding_runs().begin(owner(), here, dataset, asking, hooks=hooks_of(asking.transform))
    except PlaygroundError as error:
        view.errors[dataset.id] = error
        return
    remembered(EmbeddingsTab).follows = (dataset.id, job.run_key)


def running(here: Workspace, dataset: Dataset) -> None:
    """Draw what is under way, and what ended before its end. Raises StateTrouble."""
    jobs = [job for job in embedding_runs().jobs_of(owner(), dataset.id) if job.running]
    if jobs:
        st.fragment(_watch, run_every=EVERY)(jobs)
    busy = {job.run_key for job in jobs}
    for run in embedding_store().list_runs(owner(), dataset.id):
        if run.key not in busy and run.state is not RunState.COMPLETE:
            _draw_ended(here, dataset, run)
    _show_what_was_begun(dataset, busy)


def _show_what_was_begun(dataset: Dataset, busy: set[str]) -> None:
    """What this tab began is shown when it is over."""
    tab = remembered(EmbeddingsTab)
    if tab.follows is not None and tab.follows[0] == dataset.id and tab.follows[1] not in busy:
        show_embeddings_in_address(run=tab.follows[1])
        tab.follows = None


def _watch(jobs: list[EmbeddingJob]) -> None:
    for job in jobs:
        _draw_progress(job)
    if not all(job.running for job in jobs):
        st.rerun()


def _draw_progress(job: EmbeddingJob) -> None:
    progress = job.progress
    with st.container(border=True, key=f"embeddings-job-{job.run_key}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"Embedding with {code(job.asking.endpoint)}", width="content")
            st.button("Stop", key=f"embeddings.stop-{job.run_key}", icon=":material/stop:", on_click=job.stop)
        over = progress.done + progress.failed
        share = over / progress.texts if progress.texts else 0.0
        st.progress(min(share, 1.0), text=f"{over:,} of {progress.texts:,} texts{_left(progress)}")
        if progress.note:
            st.markdown(f":material/hourglass_top: {literal(progress.note)}")
        st.caption(figures(progress))


def _left(progress: Progress) -> str:
    left = progress.left_seconds
    if left is None:
        return ""
    if left < 90:
        return f" · {max(left, 1):.0f} s left"
    return f" · {left / 60:.0f} min left" if left < 5400 else f" · {left / 3600:.1f} h left"


def figures(progress: Progress) -> str:
    """What it took so far, in one line."""
    asked = progress.done - progress.cached
    pace = f"{asked / progress.seconds:,.0f} texts/s" if asked > 0 and progress.seconds > 0 else ""
    parts = [
        f"{progress.seconds:,.1f} s",
        f"{progress.requests:,} request{'' if progress.requests == 1 else 's'}",
        pace,
        f"{progress.tokens:,} tokens" if progress.tokens else "",
        f"{progress.cached:,} were here already" if progress.cached else "",
        f"{progress.failed:,} without a vector" if progress.failed else "",
    ]
    return " · ".join(part for part in parts if part)


def _draw_ended(here: Workspace, dataset: Dataset, run: Run) -> None:
    """What ended too early, why, and the way to its rest."""
    view, done = kept(EmbeddingsView), run.progress.done
    with st.container(border=True, key=f"embeddings-ended-{run.key}"):
        st.markdown(
            f":material/pause_circle: {code(run.label)} {_ENDED[run.state]}. {done:,} of {run.progress.texts:,} are here"
            + ("; Resume sends the rest." if run.host == host_of(here) else ".")
        )
        _draw_why(dataset, run)
        if run.host != host_of(here):
            st.caption(f"It was begun in {literal(place_of(run))}: connect there to resume it.")
        with st.container(horizontal=True):
            st.button(
                "Resume",
                key=f"embeddings.resume-{run.key}-{view.begun}",
                icon=":material/resume:",
                on_click=_begin,
                args=(here, dataset, run.asking, view.begun),
                disabled=run.host != host_of(here),
            )
            if not run.dimensions:  # else it is among the runs, with its vectors
                st.button(
                    "Discard",
                    key=f"embeddings.discard-{run.key}",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=discard,
                    args=(dataset, run),
                )


def _draw_why(dataset: Dataset, run: Run) -> None:
    job = embedding_runs().job_of(owner(), dataset.id, run.key)
    error = None if job is None else job.error or (job.embedded.error if job.embedded is not None else None)
    if error is not None:
        draw_error(error)
    elif run.error is not None:
        message, hint = run.error
        st.error(f"{literal(message)}\n\n**Next:** {literal(hint)}", icon=":material/warning:")


def discard(dataset: Dataset, run: Run) -> None:
    """Take the run away with its vectors; for callbacks."""
    try:
        embedding_store().delete_run(owner(), dataset.id, run.key)
    except PlaygroundError as error:
        kept(EmbeddingsView).errors[dataset.id] = error
