"""The rules about stop texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.driver_contract.asking import Asker, Said
from services.driver_contract.records import EXTRAS, Finding, Rule, Verdict
from services.driver_contract.stops import (
    ABSENT,
    common_characters,
    cut,
    telling_stop,
    what_it_did,
    what_it_seems_to_have_done,
    without_echo,
    word_in,
)
from services.wire_record import WireRecord

PROMPT = "In two sentences, tell me what bricks are made of and what they are used for."
CUT = "Cut the generated text at the first stop text in it, on the text and not on tokens: text[:text.find(stop)]."
SUFFIX = "Use removesuffix, or cut at the place that was found: rstrip(stop) takes off any of its characters."


@dataclass(frozen=True)
class Baseline:
    """How the app answers the same prompt without stop texts."""

    extras: dict[str, int]
    """What it takes beside the prompt."""
    text: str
    """Without the prompt, where the app repeats it."""
    again: str
    """The same asked once more."""

    @property
    def steady(self) -> bool:
        """Whether it says the same twice."""
        return self.text == self.again


@dataclass(frozen=True)
class Stopped:
    """One answer with stop texts, and what the app did."""

    said: Said
    did: str
    """See stops.what_it_did."""


def baseline(asker: Asker, first: Said) -> Baseline | None:
    """Ask for repeatable answers where the app can give them. None where there is no text to work with."""
    tuned = asker.ask({"prompt": PROMPT, **EXTRAS})
    extras = EXTRAS if tuned.text is not None else {}
    one = tuned.text if tuned.text is not None else first.text
    if one is None:
        return None
    again = first.text if extras and tuned.text == first.text else asker.ask({"prompt": PROMPT, **extras}).text
    return Baseline(extras, without_echo(one, PROMPT), without_echo(one if again is None else again, PROMPT))


def stop_lists(known: Baseline) -> list[list[str]]:
    """The stop texts to try, one request each; none where the answer is too short to choose from."""
    if not known.steady:
        common = common_characters(known.text, known.again)
        return [common, [ABSENT, *common]] if common else []
    middle, telling = word_in(known.text, prompt=PROMPT), telling_stop(known.text, prompt=PROMPT)
    found = [[middle]] if middle else []
    found += [[ABSENT, telling]] if telling else []
    late = word_in(known.text, after=known.text.find(middle) + len(middle), prompt=PROMPT) if middle else None
    return [*found, [late, middle]] if late and middle else found


def ask_with(asker: Asker, known: Baseline, lists: Sequence[list[str]]) -> list[Stopped]:
    """One request for each list."""
    found = []
    for stops in lists:
        said = asker.ask({"prompt": PROMPT, "stop": stops, **known.extras})
        found.append(Stopped(said, _did(known, stops, said.text)))
        if said.hung:
            break
    return found


def _did(known: Baseline, stops: list[str], got: str | None) -> str:
    if got is None:
        return "refused"
    generated = without_echo(got, PROMPT)
    return what_it_did(known.text, stops, generated) if known.steady else what_it_seems_to_have_done(stops, generated)


def judged(known: Baseline, tried: Sequence[Stopped]) -> list[Finding]:
    """STOP_TAKEN, STOPS, STOP_GONE and ONLY_STOP_GONE."""
    refused = next((one for one in tried if one.did == "refused"), None)
    if refused is not None:
        return [_not_taken(refused.said), *skipped("There is no answer to one with stop texts.")]
    seconds = sum(one.said.seconds for one in tried)
    taken = Finding(
        Rule.STOP_TAKEN,
        Verdict.PASSED,
        f"{len(tried)} requests with stop texts were answered.",
        "",
        seconds,
        _seen(tried),
    )
    return [taken, _stops(known, tried), _gone(tried), _only_gone(known, tried)]


def skipped(why: str) -> list[Finding]:
    """The rules that need an answer with stop texts."""
    return [Finding(rule, Verdict.SKIPPED, why) for rule in (Rule.STOPS, Rule.STOP_GONE, Rule.ONLY_STOP_GONE)]


def _not_taken(said: Said) -> Finding:
    text = said.trouble or f"The answer is {said.kind}."
    change = (
        "Let it answer, or refuse, in bounded time."
        if said.hung
        else "Take “stop”, a list of strings, beside “prompt”."
    )
    return Finding(Rule.STOP_TAKEN, Verdict.FAILED, text, change, said.seconds, (said.record,))


def _stops(known: Baseline, tried: Sequence[Stopped]) -> Finding:
    on = [one for one in tried if one.did == "went on"]
    if on:
        some = "" if len(on) == len(tried) else f" in {len(on)} of {len(tried)} requests"
        several = " Perhaps it looks at one stop text of several only." if some else ""
        return Finding(
            Rule.STOPS, Verdict.FAILED, f"It went on beyond the stop text{some}.{several}", CUT, 0, _seen(on)
        )
    other = [one for one in tried if one.did == "other"]
    if other:
        text = "With stop texts it gave another text than without, so that this does not show."
        return Finding(Rule.STOPS, Verdict.UNKNOWN, text, "", 0, _seen(other))
    how = "" if known.steady else " It never says the same twice, so letters that are in any answer were tried."
    return Finding(
        Rule.STOPS, Verdict.PASSED, f"It stopped at the first stop text each time.{how}", "", 0, _seen(tried)
    )


def _gone(tried: Sequence[Stopped]) -> Finding:
    kept = [one for one in tried if one.did == "kept"]
    if kept:
        return Finding(Rule.STOP_GONE, Verdict.FAILED, "The answer ends with the stop text.", CUT, 0, _seen(kept))
    if any(one.did == "went on" for one in tried):
        return Finding(Rule.STOP_GONE, Verdict.SKIPPED, "It does not stop.")
    return Finding(Rule.STOP_GONE, Verdict.PASSED, "No stop text is in an answer.", "", 0, _seen(tried))


def _only_gone(known: Baseline, tried: Sequence[Stopped]) -> Finding:
    rule = Rule.ONLY_STOP_GONE
    ate = [one for one in tried if one.did == "ate"]
    if ate:
        text = (
            "Characters before the stop text are missing too, which are characters of the stop text: rstrip does that."
        )
        return Finding(rule, Verdict.FAILED, text, SUFFIX, 0, _seen(ate))
    short = [one for one in tried if one.did == "short"]
    if short:
        return Finding(rule, Verdict.FAILED, "More than the stop text is missing.", CUT, 0, _seen(short))
    right = [one for one in tried if one.did == "right"]
    if right and telling_stop(known.text, prompt=PROMPT):
        return Finding(rule, Verdict.PASSED, "All before the stop text is there.", "", 0, _seen(right))
    if any(one.did in {"went on", "kept"} for one in tried):
        return Finding(rule, Verdict.SKIPPED, "The stop text is not taken off.")
    text = (
        "The app never says the same twice, so it does not show." if not known.steady else "The answers do not show it."
    )
    return Finding(rule, Verdict.UNKNOWN, text, "Ask it with temperature 0, where it can.", 0, _seen(tried))


def _seen(tried: Sequence[Stopped]) -> tuple[WireRecord, ...]:
    return tuple(one.said.record for one in tried)


def expected(known: Baseline, stops: list[str]) -> str:
    """What the app should answer with these stop texts."""
    return cut(known.text, stops)
