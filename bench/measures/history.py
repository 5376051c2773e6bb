"""How long the first word of an answer takes when there is a long conversation above it."""

from bench.exchange import Conversation
from bench.processes import MeasureFailed
from bench.report import Row, at_most, median
from bench.setup import Setup
from bench.subjects import WRITE_STREAM, Subject

FIRST_TEXT_SECONDS = 0.3
SAMPLES = 5


def history(setup: Setup) -> list[Row]:
    figures = dict.fromkeys(setup.names(WRITE_STREAM))
    for subject in setup.with_brickyard(WRITE_STREAM):
        with setup.attempt(subject):
            figures[subject.name] = with_history(setup, subject)
    return [Row(f"first text after {setup.sizes.history} turns", "s", figures, **at_most(FIRST_TEXT_SECONDS))]


def with_history(setup: Setup, subject: Subject) -> float | None:
    endpoints = [setup.sizes.short]
    with subject.started(setup.workspace) as server, setup.conversation(subject, server, endpoints) as talk:
        for _ in range(setup.sizes.history):
            setup.keep_time()
            answered(talk, endpoints)
        return median([answered(talk, endpoints) for _ in range(SAMPLES)])


def answered(talk: Conversation, endpoints: list[str]) -> float | None:
    run = talk.exchange(endpoints, poll=0.02, settle=0)
    if run.shown != run.tokens or not run.input_is_free:
        raise MeasureFailed(f"{talk.subject.name} gave no whole answer to prompt {talk.turns}")
    return run.first_text
