"""What is taken away: one call, what it asks, and the transform around it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.driver_proxy import Target, Via, url_of
from services.endpoints import Endpoint
from services.invocation import invocation_path
from services.sandbox import Hook
from services.transforms import Envelope, Transform
from services.transforms.envelope import RECORDS

_PROMPT_KEYS = frozenset({"prompt", "stop"})


@dataclass(frozen=True)
class AskedEndpoint:
    """A serving endpoint, as far as its clients care."""

    name: str
    task: str = ""
    """llm/v1/chat and the like; empty for a custom model."""
    bare: bool = False
    """Whether all that it serves are external or foundation models: to those LangChain's class sends a body as it is."""

    @classmethod
    def of(cls, endpoint: Endpoint) -> "AskedEndpoint":
        """That endpoint."""
        return cls(endpoint.name, endpoint.task, bool(endpoint.providers) and "custom" not in endpoint.providers)

    @property
    def label(self) -> str:
        """What it is called in sentences."""
        return self.name


@dataclass(frozen=True)
class ShapedCall:
    """One call with its transform: the body is what ``transform_input`` is given, inside what *envelope* takes off."""

    asked: AskedEndpoint | Target
    body: Mapping[str, Any]
    transform: Transform
    """One without source does nothing."""
    envelope: Envelope = Envelope.BODY
    defined: frozenset[Hook] | None = None
    """The functions that the source defines, as the sandbox found them; None where that is not known: those that it names."""
    driver_address: str = ""
    """Where the driver is, for a target that is called directly."""

    @property
    def path(self) -> str:
        """Where it is posted, below the workspace's host; the whole URL of a direct call. Raises BadInput for no target."""
        if isinstance(self.asked, Target):
            return url_of(self.asked, driver_address=self.driver_address)
        return invocation_path(self.asked.name)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.asked.method if isinstance(self.asked, Target) else "POST"

    @property
    def headers(self) -> dict[str, str]:
        """Beside the content type and what signs in."""
        return dict(self.asked.headers) if isinstance(self.asked, Target) else {}

    @property
    def signed_in(self) -> bool:
        """Whether credentials go with it."""
        return not (isinstance(self.asked, Target) and self.asked.via is Via.DIRECT)

    @cached_property
    def hooks(self) -> frozenset[Hook]:
        """The functions that there are."""
        if self.defined is not None:
            return self.defined
        found = {hook for hook in (Hook.INPUT, Hook.OUTPUT) if re.search(rf"\b{hook.value}\b", self.transform.source)}
        return frozenset(found)

    @property
    def is_record(self) -> bool:
        """Whether the transform is given one record, which stands inside the body."""
        return self.envelope.open(self.body) != dict(self.body)

    @property
    def request(self) -> dict[str, Any]:
        """What ``transform_input`` is given."""
        return self.envelope.open(self.body)

    @property
    def beside(self) -> dict[str, Any]:
        """What stands in the body beside the one record; empty where the transform is given the whole body."""
        return {name: value for name, value in self.body.items() if name != RECORDS} if self.is_record else {}

    @property
    def streams(self) -> bool:
        """Whether the reply may come as a stream: the body asks for one, or the transform may."""
        return bool(self.body.get("stream")) or "stream" in self.transform.source

    @property
    def prompt(self) -> str | None:
        """The prompt, where the request keeps to the prompt and stop contract."""
        asked = self.request.get("prompt")
        stop = self.request.get("stop", [])
        texts = isinstance(stop, list) and all(isinstance(one, str) for one in stop)
        return asked if isinstance(asked, str) and texts else None

    @property
    def parameters(self) -> dict[str, Any]:
        """What a request with a prompt holds besides the prompt and the stop texts."""
        return {name: value for name, value in self.request.items() if name not in _PROMPT_KEYS}
