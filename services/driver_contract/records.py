"""The rules of the contract between LangChain's ``Databricks`` and an app on a driver, and what was found of each."""

from dataclasses import dataclass
from enum import StrEnum

from services.wire_record import WireRecord


class Rule(StrEnum):
    """One rule. The values are its name in the exported tests; they do not change."""

    RUNNING = "cluster_is_running"
    ATTACH = "may_attach"
    ACCESS_MODE = "access_mode"
    PORT = "port"
    LISTENS = "listens"
    ADDRESS = "not_on_loopback_only"
    PROMPT = "prompt_is_answered"
    STRING = "answer_is_a_json_string"
    STOP_TAKEN = "stop_is_taken"
    STOPS = "stops"
    STOP_GONE = "stop_is_not_in_the_text"
    ONLY_STOP_GONE = "nothing_else_is_cut"
    UNKNOWN_KEY = "unknown_key"
    NO_PROMPT = "missing_prompt"
    NOT_JSON = "not_json"
    AT_ONCE = "several_at_once"
    SLOW = "long_answer"
    LATENCY = "latency"

    @property
    def label(self) -> str:
        """What is to be so, as a short sentence."""
        return _LABELS[self]


_LABELS = {
    Rule.RUNNING: "The cluster is running",
    Rule.ATTACH: "You may attach to it",
    Rule.ACCESS_MODE: "Its access mode is dedicated, or no isolation shared",
    Rule.PORT: "The port is from 3000 to 8000, and nothing else uses it",
    Rule.LISTENS: "Something listens on the port",
    Rule.ADDRESS: "It listens on more than the loopback address",
    Rule.PROMPT: "POST with a prompt is answered",
    Rule.STRING: "The answer is a JSON string",
    Rule.STOP_TAKEN: "POST with a prompt and stop texts is answered",
    Rule.STOPS: "It stops at a stop text",
    Rule.STOP_GONE: "The stop text is not in the answer",
    Rule.ONLY_STOP_GONE: "Nothing but the stop text is cut off",
    Rule.UNKNOWN_KEY: "A key that it does not know is taken, or refused in JSON",
    Rule.NO_PROMPT: "A missing prompt is refused in JSON",
    Rule.NOT_JSON: "What is not JSON is refused in JSON",
    Rule.AT_ONCE: "Several requests at once get their own answers",
    Rule.SLOW: "A long answer comes in time",
    Rule.LATENCY: "How long answers take",
}


class Verdict(StrEnum):
    """What came of a rule."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "cannot tell"
    SKIPPED = "skipped"
    """Without meaning after another rule's failure."""


@dataclass(frozen=True)
class Finding:
    """What was found of one rule. Sentences may hold texts of the app: draw them as foreign."""

    rule: Rule
    verdict: Verdict
    sentence: str
    """What was seen."""
    change: str = ""
    """What to do; empty where nothing is to be done."""
    seconds: float = 0.0
    """What it took, waiting included."""
    evidence: tuple[WireRecord, ...] = ()
    """The exchanges that show it, in the order of sending."""
    command: str = ""
    """A shell line for the driver that would tell, where we cannot."""


@dataclass(frozen=True)
class Limits:
    """What a check may take."""

    answer_seconds: float = 60.0
    """For one answer."""
    total_seconds: float = 600.0
    """For the whole check; after that the rules that are left are not tried."""


MOST_REQUESTS = 15
"""Requests that a check sends to the app, at most."""
EXTRAS = {"temperature": 0, "max_tokens": 24}
"""What is sent beside the prompt where the app takes it, so that answers are short and repeatable."""
