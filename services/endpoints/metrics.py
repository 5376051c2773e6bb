"""An endpoint's metrics: Prometheus' text format, read into samples. Pure.

The format is described at prometheus.io/docs/instrumenting/exposition_formats; what OpenMetrics adds to it is skipped.
"""

import re
from dataclasses import dataclass

MAX_LINE = 4_000
"""Characters: a longer line is none of an endpoint's, and one made to be hard to read would stop this server meanwhile."""
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')
_SAMPLE = re.compile(
    r'(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)\s*(?:\{(?P<labels>(?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?'
    r"\s+(?P<value>\S+)(?:\s+[-+0-9.eE]+)?(?:\s+#.*)?\s*"
)
_HELP = re.compile(r"#\s+HELP\s+(\S+)\s+(.*)")
_ESCAPES = {"n": "\n", "\\": "\\", '"': '"'}


@dataclass(frozen=True)
class Sample:
    """One measured value."""

    name: str
    labels: dict[str, str]
    value: float
    help: str = ""
    """What it counts, as the endpoint says it."""


@dataclass(frozen=True)
class Metrics:
    """What an endpoint says of its load."""

    samples: tuple[Sample, ...]
    text: str
    """As it came."""
    unreadable: int = 0
    """Lines that are no sample, though they should be."""


def metrics_from_text(text: str) -> Metrics:
    """The samples in *text*. Lines that cannot be read are counted."""
    samples: list[Sample] = []
    helps: dict[str, str] = {}
    unreadable = 0
    for line in text.splitlines():
        if len(line) > MAX_LINE:
            unreadable += 1
        elif said := _HELP.match(line):
            helps[said[1]] = _unescaped(said[2])
        elif line.strip() and not line.lstrip().startswith("#"):
            sample = _sample(line.strip(), helps)
            samples += [sample] if sample else []
            unreadable += sample is None
    return Metrics(tuple(samples), text, unreadable)


def _sample(line: str, helps: dict[str, str]) -> Sample | None:
    found = _SAMPLE.fullmatch(line)
    if found is None:
        return None
    try:
        value = float(found["value"])
    except ValueError:
        return None
    labels = {name: _unescaped(text) for name, text in _LABEL.findall(found["labels"] or "")}
    name = found["name"]
    # A histogram's samples carry the family's name with an ending.
    family = next((name.removesuffix(end) for end in ("_bucket", "_sum", "_count") if name.endswith(end)), name)
    return Sample(name, labels, value, helps.get(name) or helps.get(family, ""))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text)
