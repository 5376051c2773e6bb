"""Answers that stream: what they cost on the wire and in the server, and how late they are on the screen."""

import contextlib

from bench.exchange import Exchange
from bench.processes import Server
from bench.report import Row, at_most, median, ratio_at_most
from bench.setup import Setup
from bench.subjects import WRITE_STREAM, WRITE_STREAM_COLUMNS, Subject, other_frameworks

BYTES_PER_TOKEN = 60
BYTES_GROWTH = 6  # for five times the tokens


def stream(setup: Setup) -> list[Row]:
    """One model at 200 tokens a second. Repetitions go round the subjects, so that a busy minute hits all alike."""
    subjects = setup.with_brickyard(WRITE_STREAM, *other_frameworks())
    runs: dict[str, list[Exchange]] = {subject.name: [] for subject in subjects}
    with contextlib.ExitStack() as servers:
        started = []
        for subject in subjects:
            with setup.attempt(subject):
                started.append((subject, servers.enter_context(subject.started(setup.workspace))))
        for _ in range(setup.sizes.repetitions):
            for subject, server in started:
                with setup.attempt(subject):
                    runs[subject.name].append(warm_exchange(setup, subject, server, [setup.sizes.stream]))

    def figures(figure) -> dict:
        return {name: median([figure(run) for run in of_subject]) for name, of_subject in runs.items()}

    size = f"{setup.sizes.tokens:,} tokens"
    others = tuple(subject.name for subject in other_frameworks())
    lag_aim = ratio_at_most(0.8, lower_than=others)
    return [
        Row(f"bytes per token, {size}", "B", figures(lambda run: run.bytes_per_token), **at_most(BYTES_PER_TOKEN)),
        Row(f"lag p50, {size}", "ms", figures(lambda run: thousand(run.lag_p50))),
        Row(f"lag p95, {size}", "ms", figures(lambda run: thousand(run.lag_p95)), **lag_aim),
        Row(f"server CPU, {size}", "s", figures(lambda run: run.cpu_seconds), **ratio_at_most(0.5)),
    ]


def long_stream(setup: Setup) -> list[Row]:
    """Five times the tokens must cost five times the bytes, not twenty-five times."""
    sizes = setup.sizes
    names = setup.names(WRITE_STREAM)
    figures, growth = dict.fromkeys(names), dict.fromkeys(names)
    for subject in setup.with_brickyard(WRITE_STREAM):
        with setup.attempt(subject), subject.started(setup.workspace) as server:
            short = warm_exchange(setup, subject, server, [sizes.stream])
            long = warm_exchange(setup, subject, server, [sizes.long_stream])
            figures[subject.name] = long.bytes_per_token
            growth[subject.name] = long.bytes / short.bytes if long.shown == long.tokens else None
    times = sizes.long_tokens / sizes.tokens
    return [
        Row(f"bytes per token, {sizes.long_tokens:,} tokens", "B", figures, **at_most(BYTES_PER_TOKEN)),
        Row(f"bytes for {times:g}x the tokens", "x", growth, **at_most(BYTES_GROWTH)),
    ]


def four_models(setup: Setup) -> list[Row]:
    """Four answers side by side, 800 tokens a second in all, to the end."""
    endpoints = setup.sizes.side_by_side
    names = setup.names(WRITE_STREAM_COLUMNS)
    shown, free, lags = dict.fromkeys(names), dict.fromkeys(names), dict.fromkeys(names)
    for subject in setup.with_brickyard(WRITE_STREAM_COLUMNS):
        with setup.attempt(subject), subject.started(setup.workspace) as server:
            run = warm_exchange(setup, subject, server, endpoints)
            shown[subject.name] = 100 * run.shown / run.tokens
            free[subject.name] = int(run.input_is_free)
            lags[subject.name] = thousand(run.lag_p95)
    size = f"4 x {setup.sizes.side_by_side_tokens:,} tokens"
    return [
        Row(f"tokens shown, {size}", "%", shown, aim="100", aim_is_met=lambda row: row.ours == 100),
        Row(f"next prompt accepted, {size}", "1 = yes", free, aim="1", aim_is_met=lambda row: row.ours == 1),
        Row(f"lag p95, {size}", "ms", lags),
    ]


def warm_exchange(setup: Setup, subject: Subject, server: Server, endpoints: list[str]) -> Exchange:
    """The second exchange of a page: the first has loaded what every page loads once."""
    with setup.conversation(subject, server, endpoints) as talk:
        talk.warm_up(endpoints)
        run = talk.exchange(endpoints)
    if run.shown < run.tokens:
        setup.notes.append(f"{subject.name}: {run.shown:,} of {run.tokens:,} tokens shown at the end")
    return run


def thousand(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
