"""The AI gateway's settings while they are edited: one JSON object, with two views, form and text. No Streamlit."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from services.endpoint_setup import value_at, with_value
from services.secret_scopes import Path

NEW_LIMIT = {"key": "user", "calls": 60, "renewal_period": "minute"}


@dataclass
class GatewayDraft:
    """What would be sent."""

    base: dict[str, Any]
    """What the endpoint had when editing began."""
    body: dict[str, Any] = field(default_factory=dict)
    unreadable: str = ""
    """Why the text is no JSON object; the form then shows what was last readable."""
    forms: int = 0
    """How often the form has to begin anew, because the text or a list in it was changed."""
    texts: int = 0
    """How often the text has to begin anew, because the form was changed."""

    @classmethod
    def of(cls, settings: dict[str, Any]) -> "GatewayDraft":
        """Begin with what the endpoint has."""
        return cls(settings, copy.deepcopy(settings))

    @property
    def changed(self) -> bool:
        """Whether sending it would change anything."""
        return self.body != self.base

    @property
    def text(self) -> str:
        """The JSON."""
        return json.dumps(self.body, indent=2, ensure_ascii=False)

    @property
    def limits(self) -> list[dict[str, Any]]:
        """The rate limits that a form can show."""
        limits = self.body.get("rate_limits")
        return limits if isinstance(limits, list) and all(isinstance(one, dict) for one in limits) else []

    def put(self, path: Path, value: Any) -> None:
        """Change one value from the form; None takes it away."""
        if value != value_at(self.body, path):
            self.body, self.unreadable = with_value(self.body, path, value), ""
            self.texts += 1

    def take_text(self, text: str) -> None:
        """Take in the text as it was edited."""
        try:
            body = json.loads(text or "{}")
        except (ValueError, RecursionError) as wrong:
            self.unreadable = f"This is no JSON: {wrong}."
            return
        if not isinstance(body, dict):
            self.unreadable = "This is JSON, but no object: it must begin with {."
            return
        self.unreadable, self.body = "", body
        self.forms += 1

    def add_limit(self) -> None:
        """One more rate limit, to be filled in."""
        self._change_limits(lambda limits: limits.append(dict(NEW_LIMIT)))

    def drop_limit(self, place: int) -> None:
        """Take a rate limit away."""
        self._change_limits(lambda limits: limits.__delitem__(place))

    def _change_limits(self, change: Callable[[list[dict[str, Any]]], None]) -> None:
        limits = copy.deepcopy(self.limits)
        change(limits)
        self.body = {name: value for name, value in self.body.items() if name != "rate_limits"} | (
            {"rate_limits": limits} if limits else {}
        )
        self.forms, self.texts, self.unreadable = self.forms + 1, self.texts + 1, ""
