"""The rules about one plain answer: that there is one, and what it is. Pure."""

import json

from services.driver_contract.asking import Said
from services.driver_contract.records import Finding, Rule, Verdict
from services.driver_proxy.reply import json_kind

SHOWN = 120
RETURN_TEXT = "Return the text as JSON and nothing else: jsonify(text) in Flask, JSONResponse(text) in FastAPI."
TRANSFORM = "Or take it apart with a transform_output."


def prompt(first: Said, *, taken: bool) -> Finding:
    """Whether POST with a prompt is answered. *taken*: whether the app took the connection, whatever the proxy says of it."""
    seen = (first.record,)
    if taken and first.status == 502 and not first.is_json:
        text = "The app took the request and closed the connection without an answer."
        change = "It may have died, perhaps for want of memory: look at its log on the driver, and start it again."
        return Finding(Rule.PROMPT, Verdict.FAILED, text, change, first.seconds, seen)
    if first.ok:
        return Finding(
            Rule.PROMPT,
            Verdict.PASSED,
            f"Answered with {first.status} after {first.seconds:.2f} s.",
            "",
            first.seconds,
            seen,
        )
    return Finding(Rule.PROMPT, Verdict.FAILED, first.trouble, _change(first), first.seconds, seen)


def _change(said: Said) -> str:
    if said.status == 405:
        return "Let the app take POST there: LangChain's Databricks sends nothing else."
    if said.hung:
        return "Let it answer, or refuse, in bounded time: LangChain's Databricks waits for ever."
    if said.error is None:
        return ""
    return said.error.hint


def string(first: Said, asked: str) -> Finding:
    """Whether the answer to the prompt *asked* is a JSON string that is the text, and not JSON or a number in quotes."""
    seen = (first.record,)
    if not first.is_json:
        return Finding(Rule.STRING, Verdict.FAILED, f"It is {first.kind}: {_shown(first)}", RETURN_TEXT, 0, seen)
    if not isinstance(first.value, str):
        change = f"{RETURN_TEXT} {TRANSFORM}"
        return Finding(Rule.STRING, Verdict.FAILED, f"It is {first.kind}: {_shown(first)}", change, 0, seen)
    inner = _json_inside(first.value)
    if inner:
        change = "Encode it once only: an answer that json.dumps has made must not go through jsonify again."
        text = f"The string holds {inner} in its turn: {_shown(first)}"
        return Finding(Rule.STRING, Verdict.FAILED, text, change if inner != "a number" else RETURN_TEXT, 0, seen)
    if not first.value.strip():
        return Finding(Rule.STRING, Verdict.PASSED, "It is a JSON string, and empty.", "", 0, seen)
    if first.value.startswith(asked):
        text = f"It is one, and begins with the prompt itself: {_shown(first)}"
        return Finding(
            Rule.STRING, Verdict.PASSED, text, "Return what was generated only: return_full_text=False.", 0, seen
        )
    return Finding(Rule.STRING, Verdict.PASSED, f"It is one: {_shown(first)}", "", 0, seen)


def _json_inside(text: str) -> str:
    """What JSON the string holds; empty for plain text."""
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    quoted = isinstance(inner, dict | list | str) or (isinstance(inner, int | float) and not isinstance(inner, bool))
    return json_kind(inner) if quoted else ""


def unknown_key(said: Said) -> Finding:
    """Whether a key that the app cannot know is taken, or refused in JSON."""
    seen = (said.record,)
    if said.ok:
        return Finding(Rule.UNKNOWN_KEY, Verdict.PASSED, "It is taken.", "", said.seconds, seen)
    return _refusal(Rule.UNKNOWN_KEY, said, "Check the keys, and refuse those that are not known with 400 and JSON.")


def missing_prompt(said: Said) -> Finding:
    """Whether a request without a prompt is refused in JSON."""
    change = "Check that there is a prompt, and refuse with 400 and a JSON object that says what is missing."
    return _must_refuse(Rule.NO_PROMPT, said, "It answers a request without a prompt", change)


def not_json(said: Said) -> Finding:
    """Whether a body that is not JSON is refused in JSON."""
    change = "Catch what the JSON parser raises, and refuse with 400 and a JSON object."
    return _must_refuse(Rule.NOT_JSON, said, "It answers a body that is not JSON", change)


def _must_refuse(rule: Rule, said: Said, answered: str, change: str) -> Finding:
    if said.ok:
        text = f"{answered} with {said.status}: {_shown(said)}"
        return Finding(rule, Verdict.FAILED, text, change, said.seconds, (said.record,))
    return _refusal(rule, said, change)


def _refusal(rule: Rule, said: Said, change: str) -> Finding:
    """A refusal is good with a status of 4xx and a body in JSON."""
    seen, status = (said.record,), said.status
    if status is None:
        return Finding(rule, Verdict.FAILED, said.trouble, change, said.seconds, seen)
    if 400 <= status < 500 and said.is_json and status != 405:
        return Finding(rule, Verdict.PASSED, f"It is refused with {status}, in JSON.", "", said.seconds, seen)
    as_what = "" if said.is_json else f", and with {said.kind}"
    why = "which says that the app failed" if status >= 500 else "which no program can read"
    return Finding(rule, Verdict.FAILED, f"It is refused with {status}{as_what}, {why}.", change, said.seconds, seen)


def _shown(said: Said) -> str:
    body = said.answer.body.decode("utf-8", errors="replace") if said.answer else ""
    return body if len(body) <= SHOWN else f"{body[:SHOWN]}…"
