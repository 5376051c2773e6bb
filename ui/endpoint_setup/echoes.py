"""Widgets that show a draft, and what the browser says back of them.

The browser sends the values of all widgets with every change of one. While a run is under way it may still have, and send,
what a widget showed before the draft was changed in another place: Streamlit calls that a change, and it is none. Taken for
one, the JSON of a moment ago would undo what was just typed into a field.
"""

import time
from dataclasses import dataclass, field

from ui.session import entered, mirror, remembered

SECONDS = 10.0
"""How long what was shown may be on its way to the browser and back."""


@dataclass
class _Echoes:
    """Of one widget. Values as their hashes: a key may have been typed, and is kept nowhere."""

    heard: int
    """What the browser sent last."""
    shown: list[tuple[float, int]] = field(default_factory=list)
    """What the widget was given since, and when."""

    def hears(self, what: object) -> bool:
        """Note what the browser sent; whether a person put it in."""
        now, value = time.monotonic(), _hash(what)
        self.shown = [one for one in self.shown if now - one[0] < SECONDS]
        known = [place for place, (_, given) in enumerate(self.shown) if given == value]
        if known:
            self.shown = self.shown[known[-1] + 1 :]
        new = not known and value != self.heard
        self.heard = value
        return new


@dataclass
class Echoes:
    """Of this tab's widgets, by their keys."""

    of: dict[str, _Echoes] = field(default_factory=dict)


def show(key: str, value: object) -> str:
    """Let the widget with that key show *value*, which the draft remembers; the key, for the widget."""
    every, held = remembered(Echoes).of, entered(key)
    echoes = every.get(key)
    if echoes is None or held is None:
        every[key] = _Echoes(_hash(value))
    else:
        echoes.hears(held)
        if held != value:
            echoes.shown.append((time.monotonic(), _hash(value)))
    return mirror(key, value)


def put_in(key: str) -> bool:
    """Whether a person put in what the widget with that key holds; for its callback, once."""
    echoes = remembered(Echoes).of.get(key)
    return echoes is None or echoes.hears(entered(key))


def _hash(value: object) -> int:
    return hash(tuple(value)) if isinstance(value, list) else hash(value)
