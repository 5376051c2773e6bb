"""From the server's command to the first page in a browser, beside a page that says hello."""

from bench.report import Row, median, ratio_at_most
from bench.setup import Setup
from bench.subjects import HELLO_WORLD


def cold_start(setup: Setup) -> list[Row]:
    subjects = setup.with_brickyard(HELLO_WORLD)
    waits = {subject.name: [] for subject in subjects}
    spent = {subject.name: [] for subject in subjects}
    for start in range(setup.sizes.cold_starts + 1):
        for subject in subjects:
            with setup.attempt(subject), subject.started(setup.workspace) as server:
                with setup.conversation(subject, server, [setup.sizes.stream]) as talk:
                    wait, cpu_seconds = talk.page.ready - server.began, server.cpu_seconds()
                if start:  # the first one writes bytecode and fills the disk's cache, once in an installation's life
                    waits[subject.name].append(wait)
                    spent[subject.name].append(cpu_seconds)
    return [
        Row(
            "cold start to first page",
            "s",
            {name: median(values) for name, values in waits.items()},
            against=HELLO_WORLD.name,
            **ratio_at_most(1.3),
        ),
        Row(
            "server CPU of a cold start",
            "s",
            {name: median(values) for name, values in spent.items()},
            against=HELLO_WORLD.name,
        ),
    ]
