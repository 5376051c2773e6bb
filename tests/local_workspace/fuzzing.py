"""Generated requests against a running workspace, from its own OpenAPI description."""

import base64
import contextlib
import json
import random
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode

from tests.local_workspaces import LocalWorkspace

SECONDS = 30.0
# Without a model, which would answer slowly what was not asked: how bodies are read is in question here.
NO_MODEL = {"x-local-fault": "scripted-0-3"}
MODEL_ROUTES = ("/serving-endpoints/", "/ai-gateway/")


@dataclass
class Fuzzer:
    """Sends what schemathesis makes up and keeps what came of it.

    `known` has real values of parameters by name, and `known_in_bodies` those of fields that differ or come on top.
    """

    workspace: LocalWorkspace
    known: dict[str, list[Any]]
    known_in_bodies: dict[str, list[Any]]
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)
    skipped: int = 0

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.headers["authorization"] = f"Bearer {self.workspace.token}"
        self._random = random.Random(0)

    @property
    def sent(self) -> int:
        """How many requests were answered."""
        return sum(self.statuses.values())

    @property
    def _client(self) -> str:
        return "Basic " + base64.b64encode(f"admin:{self.workspace.token}".encode()).decode()

    def operations(self) -> Iterator[APIOperation]:
        """What the served description describes."""
        url = f"{self.workspace.host}/_local/openapi.json"
        schema = schemathesis.openapi.from_url(url, headers=dict(self._session.headers))
        for result in schema.get_all_operations():
            yield result.ok()

    def fuzz(self, operation: APIOperation, requests_to_send: int) -> None:
        """Send that many requests of one operation, half of them valid by its description."""
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            self._run(operation, mode, requests_to_send // 2)

    def _run(self, operation: APIOperation, mode: GenerationMode, count: int) -> None:
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Case) -> None:
            self.send(case)

        run: Callable[[], None] = send
        # An operation without parameters and body cannot be asked wrongly.
        with contextlib.suppress(Unsatisfiable):
            run()

    def send(self, case: Case) -> None:
        """Send one request, mostly about things that exist, and note what is wrong with the answer."""
        self._make_real(case)
        headers = NO_MODEL if case.path.startswith(MODEL_ROUTES) else {}
        credentials = self._client if case.path.startswith("/oidc/") else f"Bearer {self.workspace.token}"
        prepared = self._session.prepare_request(
            requests.Request(**case.as_transport_kwargs(base_url=self.workspace.host, headers=headers))
        )
        prepared.headers["authorization"] = credentials
        try:
            response = self._session.send(prepared, timeout=SECONDS, allow_redirects=False)
        except requests.exceptions.InvalidHeader:
            self.skipped += 1
            return
        except requests.RequestException as error:
            self._note(case, prepared, f"no answer: {type(error).__name__}: {error}")
            return
        self.statuses[response.status_code] += 1
        if problem := wrong_with(response, case.operation):
            self._note(case, prepared, problem)

    def _make_real(self, case: Case) -> None:
        if self._random.random() < 0.75:
            self._put_known(case.path_parameters, self.known)
            self._put_known(case.query, self.known)
        if self._random.random() < 0.5:
            self._put_known(case.body, self.known | self.known_in_bodies)
            if isinstance(case.body, dict) and case.path.startswith(MODEL_ROUTES):
                self._aim(case, case.body)

    def _aim(self, case: Case, body: dict[str, Any]) -> None:
        """Leave out what names an endpoint where the path does, and name one that has the task where it does not."""
        body.pop("model", None)
        if "{name}" not in case.path:
            body["model"] = self.known["embeddings" if case.path.endswith("/embeddings") else "chat"][0]

    def _put_known(self, value: Any, known: dict[str, list[Any]]) -> None:
        if isinstance(value, list):
            for item in value:
                self._put_known(item, known)
        for name in value if isinstance(value, dict) else ():
            if name in known:
                value[name] = self._random.choice(known[name])
            else:
                self._put_known(value[name], known)

    def _note(self, case: Case, prepared: requests.PreparedRequest, problem: str) -> None:
        kind = f"{case.operation.method.upper()} {case.operation.path}: {problem[:300]}"
        self.findings.setdefault(kind, _curl(prepared))


def wrong_with(response: requests.Response, operation: APIOperation) -> str | None:
    """What is wrong with a reply, in a few words, or None."""
    if response.status_code >= 500 and not _says_it_is_not_there(response):
        return f"{response.status_code} {response.text[:200]}"
    kind = response.headers.get("content-type", "").partition(";")[0]
    documented = _content_types(operation, response.status_code)
    if kind not in documented:
        return f"{response.status_code} of type {kind!r}, while the description has {sorted(documented)}"
    if response.status_code >= 400:
        return _wrong_refusal(response)
    return None


def _says_it_is_not_there(response: requests.Response) -> bool:
    return response.status_code == 501 and response.json()["error_code"] == "NOT_IMPLEMENTED"


def _wrong_refusal(response: requests.Response) -> str | None:
    body = json.loads(response.text)
    fields = {"error", "error_description"} if "error" in body else {"error_code", "message"}
    if set(body) != fields or not all(body.values()):
        return f"{response.status_code} in another shape than the platform's: {response.text[:200]}"
    return None


def _content_types(operation: APIOperation, status: int) -> set[str]:
    described: dict[str, Any] = operation.definition.raw["responses"]
    found = described.get(str(status), described["default"])
    return set(found.get("content", {}))


def _curl(prepared: requests.PreparedRequest) -> str:
    body = prepared.body if isinstance(prepared.body, bytes) else str(prepared.body or "").encode()
    words = ["curl", "-X", str(prepared.method), str(prepared.url)]
    if body:
        words += ["-H", f"content-type: {prepared.headers.get('content-type', '')}", "--data-binary", repr(body[:2000])]
    return shlex.join(words)
