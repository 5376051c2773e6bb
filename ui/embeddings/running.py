"""Begin an embedding, watch it, stop it, take it up again."""

import streamlit as st

from services.counting import in_words
from services.embeddings.asking import EmbeddingJob, embedding_runs, host_of, run_key, under_way_elsewhere
from services.embeddings.datasets import embedding_store
from services.embeddings.layouts import cancel_makings
from services.embeddings.records import Asking, Dataset, Progress, Run, RunState
from services.errors import PlaygroundError
from services.workspace import Workspace
from ui.address import show_embeddings_in_address
from ui.embeddings.asking import hooks_of
from ui.embeddings.model import Choice
from ui.embeddings.view import EmbeddingsTab, EmbeddingsView, place_of
from ui.errors import draw_error
from ui.foreign_text import code, literal
from ui.session import kept, owner, remembered

EVERY = 1.0
_ENDED = {
    RunState.RUNNING: "was interrupted",
    RunState.STOPPED: "was stopped",
    RunState.FAILED: "ended before its end",
}


def embed_button(here: Workspace, dataset: Dataset, choice: Choice) -> None:
    """Draw it. Each one is good for one embedding: a second click on the same one finds it used."""
    view, why_not = kept(EmbeddingsView), ""
    if choice.asking is not None:
        why_not = _why_not(dataset, run_key(host_of(here), choice.asking), choice.left)
    st.button(
        "Embed",
        key=f"embeddings.embed-{view.begun}",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_embed,
        args=(here, dataset, choice, view.begun),
        disabled=not choice.may_send or bool(why_not),
        help=why_not or None,
    )
    if error := view.errors.get(dataset.id):
        draw_error(error)


def _why_not(dataset: Dataset, name: str, left: int) -> str:
    """Why there is nothing to embed; empty where there is."""
    job = embedding_runs().job_of(owner(), dataset.id, name)
    if job is not None and job.running:
        return "It is under way"
    runs = embedding_store().list_runs(owner(), dataset.id)
    here = any(run.key == name and run.state is RunState.COMPLETE and run.dimensions for run in runs)
    return (
        "These vectors are here. Choose another endpoint, or other parameters, for others." if here and not left else ""
    )


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
    tab = remembered(EmbeddingsTab)
    tab.follows, tab.wish = (dataset.id, job.run_key), None


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
    """What this tab began is shown when it is over, if it brought anything."""
    tab = remembered(EmbeddingsTab)
    if tab.follows is None or tab.follows[0] != dataset.id or tab.follows[1] in busy:
        return
    name, tab.follows = tab.follows[1], None
    if any(run.key == name and run.dimensions for run in embedding_store().list_runs(owner(), dataset.id)):
        show_embeddings_in_address(run=name)


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
        share = (progress.done + progress.failed) / progress.texts if progress.texts else 0.0
        st.progress(min(share, 1.0), text=how_far(job))
        if progress.note:
            st.markdown(f":material/hourglass_top: {literal(progress.note)}")
        st.caption(figures(progress))


def how_far(job: EmbeddingJob) -> str:
    """How many it has of how many, and what it is at."""
    progress, keeps = job.progress, job.embedded is not None  # all that will come is here then
    over = progress.done + progress.failed
    waits = "" if over or progress.note else f" · waits for the first reply, of up to {job.asking.batch:,} texts"
    left = " · being written to the disk" if keeps else f"{waits}{_left(progress)}"
    return f"{over:,} of {progress.texts:,} texts{left}"


def _left(progress: Progress) -> str:
    left = progress.left_seconds
    if not left:  # unknown, or nothing is left
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
        in_words(progress.requests, "request"),
        pace,
        f"{progress.tokens:,} tokens" if progress.tokens else "",
        f"{progress.cached:,} were here already" if progress.cached else "",
        f"{progress.failed:,} without a vector" if progress.failed else "",
    ]
    return " · ".join(part for part in parts if part)


def _draw_ended(here: Workspace, dataset: Dataset, run: Run) -> None:
    """What ended too early, why, and the way to its rest: one line each, since what is here is what people look at."""
    vain = run.state is RunState.FAILED and not run.dimensions  # the same would come of it again
    elsewhere = under_way_elsewhere(run)
    error = _why(dataset, run)
    with st.container(border=True, key=f"embeddings-ended-{run.key}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            icon = "hourglass_top" if elsewhere else "pause_circle"
            st.markdown(f":material/{icon}: {code(run.label)} {_how_it_stands(here, run)}{_in_one_line(error)}")
            if not vain:
                _resume_button(here, dataset, run, disabled=elsewhere)
            if not run.dimensions:  # else it is among the runs, with its vectors
                st.button(
                    "Dismiss" if vain else "Discard",
                    key=f"embeddings.discard-{run.key}",
                    icon=":material/close:" if vain else ":material/delete:",
                    type="tertiary",
                    on_click=discard,
                    args=(dataset, run),
                )
            if error is not None and error.raw is not None:
                with st.popover("What the server answered", type="tertiary"):
                    st.code(error.raw.body or "(an empty body)", language=None, wrap_lines=True)
        if run.host != host_of(here):
            st.caption(f"It was begun in {literal(place_of(run))}: connect there to resume it.")


def _how_it_stands(here: Workspace, run: Run) -> str:
    done, texts = run.progress.done, run.progress.texts
    came = f"{done:,} of {texts:,} are here"
    if under_way_elsewhere(run):
        return f"is under way in another Brickyard on this data. {came}."
    if run.state is RunState.FAILED and not run.dimensions:
        return "gave no vector."
    if done >= texts:
        return f"{_ENDED[run.state]}. All {texts:,} texts are here."
    return f"{_ENDED[run.state]}. {came}" + ("; Resume sends the rest." if run.host == host_of(here) else ".")


def _resume_button(here: Workspace, dataset: Dataset, run: Run, *, disabled: bool) -> None:
    number = kept(EmbeddingsView).begun
    st.button(
        "Resume",
        key=f"embeddings.resume-{run.key}-{number}",
        icon=":material/resume:",
        on_click=_begin,
        args=(here, dataset, run.asking, number),
        disabled=disabled or run.host != host_of(here),
    )


def _why(dataset: Dataset, run: Run) -> PlaygroundError | None:
    job = embedding_runs().job_of(owner(), dataset.id, run.key)
    known = None if job is None else job.error or (job.embedded.error if job.embedded is not None else None)
    return known if known is not None or run.error is None else PlaygroundError(*run.error)


def _in_one_line(error: PlaygroundError | None) -> str:
    return "" if error is None else f" {literal(error.message)} **Next:** {literal(error.hint)}"


def trouble_of(dataset: Dataset, run: Run) -> PlaygroundError | None:
    """Why its vectors are not kept for another time, where that is so."""
    job = embedding_runs().job_of(owner(), dataset.id, run.key)
    return job.embedded.trouble if job is not None and job.embedded is not None else None


def discard(dataset: Dataset, run: Run) -> None:
    """Take the run away with its vectors, and end what is under way of it; for callbacks."""
    try:
        embedding_runs().discard(owner(), dataset.id, run.key)
        cancel_makings(owner(), dataset.id, run.key)
        embedding_store().delete_run(owner(), dataset.id, run.key)
    except PlaygroundError as error:
        kept(EmbeddingsView).errors[dataset.id] = error
