"""Stop, pressed while the endpoint has not said a word yet: when is the input free, when does the endpoint know?"""

import time

from bench.exchange import Conversation, invocation
from bench.report import Row, at_most
from bench.setup import Setup
from bench.subjects import WRITE_STREAM

SEEN_SECONDS = 0.3
BEFORE_STOP_SECONDS = 2
PATIENCE_SECONDS = 25  # longer than the endpoint's silence


def stop(setup: Setup) -> list[Row]:
    names = setup.names(WRITE_STREAM)
    free, closed = dict.fromkeys(names), dict.fromkeys(names)
    for subject in setup.with_brickyard(WRITE_STREAM):
        endpoints = [setup.sizes.cold]
        with (
            setup.attempt(subject),
            subject.started(setup.workspace) as server,
            setup.conversation(subject, server, endpoints) as talk,
        ):
            talk.warm_up(endpoints)
            free[subject.name], closed[subject.name] = stop_once(talk, endpoints)
            if closed[subject.name] is None:
                setup.notes.append(f"{subject.name}: the request was not closed within {PATIENCE_SECONDS} s")
    return [
        Row("Stop a cold call: input free", "s", free, **at_most(SEEN_SECONDS)),
        Row("Stop a cold call: request closed", "s", closed, **at_most(SEEN_SECONDS)),
    ]


def stop_once(talk: Conversation, endpoints: list[str]) -> tuple[float | None, float | None]:
    mark = talk.send(endpoints)
    talk.page.page.wait_for_timeout(BEFORE_STOP_SECONDS * 1000)
    clicked, free_at = talk.page.click(talk.subject.stop, PATIENCE_SECONDS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    seen = invocation(talk.workspace, mark, endpoints[0])
    while not (seen["abandoned"] or seen["finished"]) and time.monotonic() < deadline:
        talk.page.page.wait_for_timeout(50)
        seen = invocation(talk.workspace, mark, endpoints[0])
    return free_at and free_at - clicked, seen["abandoned"] and seen["abandoned"] - clicked
