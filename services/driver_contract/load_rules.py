"""The rules about time: several requests at once, a long answer, and how long answers take."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.driver_contract.asking import Asker, Said
from services.driver_contract.records import Finding, Rule, Verdict
from services.driver_contract.stop_rules import PROMPT, Baseline, expected, stop_lists
from services.driver_contract.stops import without_echo, word_in

OTHER_PROMPT = "In two sentences, tell me how rivers come to be and where they end."
LONG_PROMPT = "Write a long story about a mason who builds a bridge, with as many details as you can."
LONG_TOKENS = 80
AT_ONCE = 4
OWN_STATE = (
    "Keep nothing of a request in a global: a model that cannot answer two at once needs a lock around it, or a queue."
)


@dataclass(frozen=True)
class Question:
    """One of several requests at once, and what it should be answered with; None where that is not known."""

    body: dict[str, Any]
    answer: str | None

    def generated(self, said: Said) -> str:
        """The text of its answer, without the prompt where the app repeats it."""
        return without_echo(said.text or "", self.body["prompt"]).strip()


def questions(asker: Asker, known: Baseline | None, stops_well: bool) -> list[Question]:
    """Four requests whose answers differ. May ask one request to know an answer."""
    if known is None or not known.steady:
        bodies = [{"prompt": text, **(known.extras if known else {})} for text in (PROMPT, OTHER_PROMPT)]
        return [Question(body, None) for body in bodies * (AT_ONCE // 2)]
    other = asker.ask({"prompt": OTHER_PROMPT, **known.extras}).text
    other = None if other is None else without_echo(other, OTHER_PROMPT)
    plain = [
        Question({"prompt": PROMPT, **known.extras}, known.text),
        Question({"prompt": OTHER_PROMPT, **known.extras}, other),
    ]
    lists = stop_lists(known) if stops_well else []
    stopped = [Question({"prompt": PROMPT, "stop": one, **known.extras}, expected(known, one)) for one in lists[:1]]
    middle = word_in(other) if stops_well and other else None
    if middle and other:
        cut_off = expected(Baseline(known.extras, other, other), [middle])
        stopped.append(Question({"prompt": OTHER_PROMPT, "stop": [middle], **known.extras}, cut_off))
    return [*stopped, *plain, *plain][:AT_ONCE]


def at_once(asked: Sequence[Question], said: Sequence[Said]) -> Finding:
    """Whether each got its own answer."""
    rule, seen = Rule.AT_ONCE, tuple(one.record for one in said)
    seconds = max(one.seconds for one in said)
    failed = [one for one in said if not one.ok]
    if failed:
        text = f"Of {len(said)} requests at once {len(failed)} got no answer: {failed[0].trouble}"
        change = "Let requests wait for their turn: LangChain's Databricks does not ask again."
        return Finding(rule, Verdict.FAILED, text, change, seconds, seen)
    wrong = [
        question.generated(one)
        for question, one in zip(asked, said, strict=True)
        if question.answer is not None and question.generated(one) != question.answer.strip()
    ]
    others = {question.answer.strip() for question in asked if question.answer is not None}
    mixed = [got for got in wrong if got in others]
    if mixed:
        text = f"Of {len(said)} requests at once {len(mixed)} got the answer of another."
        return Finding(rule, Verdict.FAILED, text, OWN_STATE, seconds, seen)
    if wrong or not others:
        why = "The answers are no texts that could be compared"
        if any(one.text for one in said):
            why = "Answers differ from those that were given alone" if wrong else "The app never says the same twice"
        text = f"All {len(said)} were answered. {why}, so whether each is its own does not show."
        return Finding(rule, Verdict.UNKNOWN, text, "", seconds, seen)
    return Finding(rule, Verdict.PASSED, f"{len(said)} requests at once got their own answers.", "", seconds, seen)


def long_body(known: Baseline | None) -> dict[str, Any]:
    """A request for a long answer."""
    return {"prompt": LONG_PROMPT, **({**known.extras, "max_tokens": LONG_TOKENS} if known and known.extras else {})}


def long_answer(said: Said, most_seconds: float) -> Finding:
    """Whether it came in time."""
    seen = (said.record,)
    if said.ok:
        size = f" of {len(said.text):,} characters" if said.text is not None else ""
        text = f"An answer{size} came after {said.seconds:.1f} s; the limit here is {most_seconds:g} s."
        return Finding(Rule.SLOW, Verdict.PASSED, text, "", said.seconds, seen)
    change = "Limit the length of answers, and their time; what takes too long should end with 503 and JSON."
    return Finding(Rule.SLOW, Verdict.FAILED, said.trouble, change, said.seconds, seen)


def latency(times: Sequence[float]) -> Finding:
    """Figures, in seconds, of the successful answers."""
    if not times:
        return Finding(Rule.LATENCY, Verdict.SKIPPED, "Nothing was answered.")
    text = f"{statistics.median(times):.2f} s is the median of {len(times)} answers, {max(times):.2f} s the longest."
    return Finding(Rule.LATENCY, Verdict.PASSED, text)
