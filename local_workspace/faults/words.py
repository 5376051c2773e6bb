"""The words for faults: one table, which the README's list and the parser both come from."""

import re
from dataclasses import dataclass

from local_workspace.refusals import RefusalError, bad_request

NUMBER = r"\d{1,6}(?:\.\d{1,3})?"

# word as documented -> pattern. Named groups become the fields of a Fault.
WORDS = {
    "return-STATUS[-retry-after-N][-after-Ns]": (
        rf"(?P<kind>return)-(?P<status>[45]\d\d)(-retry-after-(?P<retry_after>\d{{1,6}}))?(-after-(?P<seconds>{NUMBER})s)?"
    ),
    "stall-Ns": rf"(?P<kind>stall)-(?P<seconds>{NUMBER})s",
    "stall-first-token-Ns": rf"(?P<kind>stall-first-token)-(?P<seconds>{NUMBER})s",
    "break-after-N": r"(?P<kind>break-after)-(?P<count>\d{1,6})",
    "malformed-after-N": r"(?P<kind>malformed-after)-(?P<count>\d{1,6})",
    "error-event-after-N": r"(?P<kind>error-event-after)-(?P<count>\d{1,6})",
    "error-object-after-N": r"(?P<kind>error-object-after)-(?P<count>\d{1,6})",
    "no-done": r"(?P<kind>no-done)",
    "usage-on-every-chunk": r"(?P<kind>usage-on-every-chunk)",
    "comment-lines": r"(?P<kind>comment-lines)",
    "split-utf8": r"(?P<kind>split-utf8)",
    "truncated-json": r"(?P<kind>truncated-json)",
    "html-502": r"(?P<kind>html-502)",
    "scripted-RATE-COUNT": rf"(?P<kind>scripted)-(?P<rate>{NUMBER})-(?P<count>\d{{1,6}})",
}


@dataclass(frozen=True)
class Fault:
    """One failure. `kind` is the word without its numbers; `seconds` is a pause, `rate` is in events a second."""

    kind: str
    status: int = 0
    retry_after: int | None = None
    seconds: float = 0.0
    count: int = 0
    rate: float = 0.0


def parse_faults(words: str) -> list[Fault]:
    """The faults that `words` ask for, in order. Raises RefusalError (400) that lists the known words."""
    return [_parse(word) for word in words.split()]


def _parse(word: str) -> Fault:
    for pattern in WORDS.values():
        if match := re.fullmatch(pattern, word, re.ASCII):
            return _fault({name: text for name, text in match.groupdict().items() if text is not None})
    raise _unknown(word)


def _fault(found: dict[str, str]) -> Fault:
    retry_after = int(found["retry_after"]) if "retry_after" in found else None
    return Fault(
        found["kind"],
        int(found.get("status", 0)),
        retry_after,
        float(found.get("seconds", 0)),
        int(found.get("count", 0)),
        float(found.get("rate", 0)),
    )


def _unknown(word: str) -> RefusalError:
    return bad_request(f"Unknown fault '{word[:80]}'. The words are: {', '.join(WORDS)}.")
