"""From an invocation to the reply of whichever served entity it is for.

The gateway comes first: may the caller, are the limits kept, is there a forbidden word. Then the traffic split chooses, the
backend of the entity's kind answers, and what was used is noted.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from local_workspace.ai_gateway.config import falls_back
from local_workspace.ai_gateway.gateway import AiGateway
from local_workspace.engines.catalog import FOUNDATION_MODELS
from local_workspace.identity.users import User
from local_workspace.refusals import RefusalError, bad_request, no_such_served_entity, timed_out, too_large
from local_workspace.serving.backends import Backend, Invocation
from local_workspace.serving.deployments import deployment_of
from local_workspace.serving.endpoints import Endpoints
from local_workspace.serving.records import CHAT, COMPLETIONS, EMBEDDINGS, Config, Endpoint, Kind, ServedEntity
from local_workspace.serving.traffic import Traffic
from local_workspace.serving.views import task_of
from local_workspace.web.json_bodies import is_json, parse_object

WANTED = {CHAT: "messages", COMPLETIONS: "prompt", EMBEDDINGS: "input"}
# The ways to ask a custom model, which people send to other endpoints by mistake.
OF_CUSTOM_MODELS = ("dataframe_records", "dataframe_split", "instances", "inputs")
TEXTS = {"stop", "suffix", "prompt", "input", "user"}  # fields whose value may well be the text "5"
NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?", re.ASCII)
MAX_BODY_BYTES = 4 * 1024 * 1024  # custom models take more; their limit is the connection's


class Dispatcher:
    """Answers invocations. `timeout` is how many seconds a model may take until its reply begins."""

    def __init__(
        self, endpoints: Endpoints, backends: dict[Kind, Backend], traffic: Traffic, gateway: AiGateway, timeout: float
    ) -> None:
        self._endpoints = endpoints
        self._backends = backends
        self._traffic = traffic
        self._gateway = gateway
        self._timeout = timeout

    async def by_path(self, name: str, entity: str | None, request: Request) -> Response:
        """Answer `/serving-endpoints/{name}/[served-models/{entity}/]invocations`, for the endpoint's own task."""
        endpoint = self._endpoints.get(name, request.scope["caller"], "CAN_QUERY")
        config = _serving(endpoint)
        if entity is not None and config.entity(entity) is None:
            raise no_such_served_entity(name, entity)
        invocation = await _invocation(request, task_of(endpoint))
        if endpoint.kind != "custom" and invocation.body is None:
            invocation = await _invocation(request, task_of(endpoint), must_be_json=True)
        if endpoint.kind == "foundation" and "model" in (invocation.body or {}):
            raise bad_request("Unknown field 'model' in the request body: the path names the endpoint already.")
        return await self._answer(endpoint, config, entity, invocation)

    async def by_model(self, task: str, request: Request) -> Response:
        """Answer `/serving-endpoints/chat/completions` and its like, for the endpoint that `model` names."""
        invocation = await _invocation(request, task, must_be_json=True)
        name = (invocation.body or {}).get("model")
        if not isinstance(name, str) or not name:
            raise bad_request("The field 'model' must be the name of a serving endpoint.")
        endpoint = self._endpoints.get(name, request.scope["caller"], "CAN_QUERY")
        return await self._answer(endpoint, _serving(endpoint), None, invocation)

    async def no_responses(self, request: Request) -> Response:
        """Refuse the Responses API, which none of this workspace's models speaks. Raises RefusalError (400, 404)."""
        invocation = await _invocation(request, None, must_be_json=True)
        name = (invocation.body or {}).get("model")
        if not isinstance(name, str) or not name:
            raise bad_request("The field 'model' must be the name of a serving endpoint.")
        endpoint = self._endpoints.get(name, request.scope["caller"], "CAN_QUERY")
        raise bad_request(f"Endpoint '{endpoint.name}' does not take the Responses API; ask it as {task_of(endpoint)}.")

    async def _answer(self, endpoint: Endpoint, config: Config, entity: str | None, asked: Invocation) -> Response:
        if endpoint.kind != "custom":
            if len(asked.raw) > MAX_BODY_BYTES:
                raise too_large(MAX_BODY_BYTES)
            _check_task(endpoint, asked)
            asked = _with_extra_params(asked)
        if endpoint.kind == "external":
            _check_question(endpoint, asked.body or {})
        candidates = self._candidates(endpoint, config, entity)
        return await self._gateway.answer(
            endpoint, candidates[0].name, asked, lambda: self._first_answer(endpoint, candidates, asked)
        )

    def _candidates(self, endpoint: Endpoint, config: Config, entity: str | None) -> list[ServedEntity]:
        """Who is asked, in order: the entity named or chosen, and with fallbacks enabled the others after it."""
        named = config.entity(entity) if entity else None
        if named:
            return [named]
        chosen = self._traffic.pick(endpoint, config)
        others = [other for other in config.entities if other is not chosen]
        return [chosen, *others] if falls_back(endpoint.ai_gateway) else [chosen]

    async def _first_answer(
        self, endpoint: Endpoint, candidates: Sequence[ServedEntity], asked: Invocation
    ) -> Response:
        """The reply of the first candidate that does not fail with 429 or 5xx."""
        for place, entity in enumerate(candidates, start=1):
            backend = self._backends[entity.kind]
            try:
                async with asyncio.timeout(self._timeout):
                    return await backend.answer(deployment_of(endpoint, entity), asked)
            except TimeoutError as error:
                raise timed_out(self._timeout) from error
            except RefusalError as refusal:
                if place == len(candidates) or not (refusal.status == 429 or refusal.status >= 500):
                    raise
        raise LookupError("There was nobody to ask.")


async def _invocation(request: Request, task: str | None, *, must_be_json: bool = False) -> Invocation:
    raw = await request.body()
    content_type = request.headers.get("content-type", "")
    body = parse_object(raw, content_type) if must_be_json or is_json(content_type) else None
    caller: User = request.scope["caller"]
    faults = request.scope.get("faults", [])
    return Invocation(task, body, raw, content_type, caller, faults, request.scope["request_id"])


def _with_extra_params(asked: Invocation) -> Invocation:
    """The invocation with its `extra_params` among the other fields. The SDK has them as texts: `{"top_p": "0.9"}`."""
    body = asked.body or {}
    extra = body.get("extra_params")
    if extra is None:
        return asked
    if not isinstance(extra, dict):
        raise bad_request("The field 'extra_params' must be an object.")
    kept = {name: value for name, value in body.items() if name != "extra_params"}
    read = {name: value if name in TEXTS else _read(value) for name, value in extra.items()}
    return replace(asked, body=kept | read)


def _read(value: Any) -> Any:
    """What a text says when it is a number, true or false; the text itself otherwise."""
    if not isinstance(value, str):
        return value
    if NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return {"true": True, "false": False}.get(value, value)


def _serving(endpoint: Endpoint) -> Config:
    """What serves now. Raises RefusalError (400) when nothing does, saying why."""
    if endpoint.stopped:
        raise bad_request(f"Endpoint '{endpoint.name}' is stopped; start it to query it.")
    if endpoint.config:
        return endpoint.config
    reasons = {
        "IN_PROGRESS": "it is being deployed; ask again in a moment",
        "UPDATE_FAILED": "its deployment failed; its pending_config says why",
    }
    reason = reasons.get(endpoint.config_update, "it serves nothing yet")
    raise bad_request(f"Endpoint '{endpoint.name}' is not ready: {reason}.")


def _check_task(endpoint: Endpoint, asked: Invocation) -> None:
    """Raise RefusalError (400), naming the endpoint's task and its field, when route or body are another task's."""
    body = asked.body or {}
    own = task_of(endpoint) or CHAT
    latest = endpoint.latest
    model = FOUNDATION_MODELS.get(latest.entities[0].entity_name) if latest else None
    offered = model.tasks if model else (own,)
    shown = asked.task if asked.task in offered else own
    wanted = WANTED[shown]
    other = next((field for field in (*WANTED.values(), *OF_CUSTOM_MODELS) if field in body and field != wanted), None)
    if asked.task not in offered or (other and wanted not in body):
        instead = f", not '{other}'" if other else ""
        raise bad_request(f"Endpoint '{endpoint.name}' has the task {shown}: send '{wanted}'{instead}.")


def _check_question(endpoint: Endpoint, body: dict[str, Any]) -> None:
    """Raise RefusalError (400) for a body that asks an external model nothing: providers differ in what they make of it."""
    task = task_of(endpoint) or CHAT
    wanted = WANTED[task]
    if body.get(wanted) is None:
        raise bad_request(f"Endpoint '{endpoint.name}' has the task {task}: the field '{wanted}' is missing.")
    messages = body[wanted] if task == CHAT else [{}]
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise bad_request("The field 'messages' must be a list of one message or more.")
