"""Which stop texts tell whether an app stops as it should, and what its answers show. Pure; needs nothing but `re`.

Chosen from the app's own answer, since nothing is known of its model. The exported tests carry these functions as they stand.
"""

import re

ABSENT = "\u2603brickyard\u2603"
"""A stop text that no answer has."""


def word_in(text: str, *, after: int = 0, prompt: str = "") -> str | None:
    """A word from the middle of *text*, beyond *after*: not there before, something before it and after it. None without one.

    Nor is it in *prompt*: an app that repeats the prompt would stop there.
    """
    words = [
        found
        for found in re.finditer(r"\w{3,20}", text)
        if text.find(found[0]) == found.start() and found[0] not in prompt
    ]
    fit = [found for found in words if max(after, 2) < found.start() and found.end() < len(text.rstrip()) - 1]
    middle = max(len(text) // 2, after)
    return min(fit, key=lambda found: abs(found.start() - middle))[0] if fit else None


def telling_stop(text: str, *, prompt: str = "") -> str | None:
    """A stop text that holds the character before it too, which ``rstrip(stop)`` would cut off as well. None without one.

    It is not in *prompt*.
    """
    places = sorted(range(2, len(text) - 3), key=lambda place: abs(place - len(text) // 2))
    for place in places:
        before = text[place - 1]
        for length in range(2, 16):
            stop = text[place : place + length]
            fits = stop == stop.strip() and "\n" not in stop and place + length < len(text)
            if fits and stop not in prompt and before.isalnum() and before in stop and text.find(stop) == place:
                return stop
    return None


def without_echo(text: str, prompt: str) -> str:
    """What was generated, where an app repeats the prompt before it, as a transformers pipeline does."""
    return text.removeprefix(prompt)


def cut(text: str, stops: list[str]) -> str:
    """*text* up to the first of *stops* in it, without that."""
    ends = [text.find(stop) for stop in stops if stop in text]
    return text[: min(ends, default=len(text))]


def what_it_did(whole: str, stops: list[str], got: str) -> str:
    """What an app that answers *whole* without stop texts did, when it answered *got* with them.

    “right”, “kept” (the stop text is still there), “went on” (beyond it), “ate” (characters of the stop text before it too, as
    ``rstrip`` does), “short” (more is missing than that), “other” (another text). Blanks at the ends do not count.
    """
    expected = cut(whole, stops)
    if got.strip() == expected.strip():
        return "right"
    there = [stop for stop in stops if stop in got]
    if there:
        return "kept" if any(got.strip() == (expected + stop).strip() for stop in there) else "went on"
    missing = expected[len(got.rstrip()) :]
    if not expected.startswith(got.rstrip()):
        return "other"
    return "ate" if any(set(missing) <= set(stop) | {" "} for stop in stops) else "short"


def common_characters(one: str, other: str) -> list[str]:
    """The three letters that two answers of the same app have most often: stop texts for one that never says the same twice."""
    shared = {character for character in one if character.isalnum() and character in other}
    return sorted(shared, key=lambda character: (-one.count(character) - other.count(character), character))[:3]


def what_it_seems_to_have_done(stops: list[str], got: str) -> str:
    """The same for an app that never says the same twice: “kept”, “went on”, or “perhaps right”."""
    there = [stop for stop in stops if stop in got]
    if not there:
        return "perhaps right"
    return "kept" if sum(got.count(stop) for stop in there) == 1 and got.rstrip().endswith(there[0]) else "went on"
