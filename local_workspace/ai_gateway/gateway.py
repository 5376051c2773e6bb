"""What stands between a caller and a served entity: limits, guardrails, and a record of what happened."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from local_workspace.ai_gateway import guardrails
from local_workspace.ai_gateway.config import keeps_payloads, tracks_usage
from local_workspace.ai_gateway.inference_log import InferenceLog
from local_workspace.ai_gateway.metrics import EndpointMetrics
from local_workspace.ai_gateway.observation import Observation, Outcome, observed
from local_workspace.ai_gateway.rate_limits import RateLimits
from local_workspace.ai_gateway.usage import UsageTable
from local_workspace.database import Database
from local_workspace.refusals import RefusalError
from local_workspace.serving.backends import Invocation
from local_workspace.serving.records import Endpoint


class AiGateway:
    """The gateways of all endpoints. An endpoint without settings passes through one too: metrics count everything."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = RateLimits(clock)
        self.metrics = EndpointMetrics(clock)
        self.usage = UsageTable(database)
        self.log = InferenceLog(database)

    async def answer(
        self, endpoint: Endpoint, entity: str, invocation: Invocation, ask: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The reply that `ask` gets from the served entity `entity`, watched while it is sent.

        If `ask` turns to another entity, the reply's header served-model-name says so. Raises RefusalError: `ask`'s own, 429
        from a rate limit, 400 from a guardrail. A refusal is recorded like a reply.
        """
        observation = self._begin(endpoint, entity, invocation)
        outcome: Outcome = "broken"
        try:
            self.limits.check(endpoint, invocation.caller)
            guardrails.check_input(endpoint.ai_gateway, invocation.body)
            response = await ask()
            observation.entity = response.headers.get("served-model-name", entity)
            guardrails.check_output(endpoint.ai_gateway, response)
            outcome = "running"
        except RefusalError as refusal:
            outcome = "complete"
            observation.refuse(refusal.status, json.dumps(refusal.to_body()).encode())
            raise
        except asyncio.CancelledError:
            outcome = "client_closed"
            raise
        finally:
            if outcome == "broken":
                observation.refuse(500, b"")  # a fault of the workspace's own, whatever it is
            elif outcome == "client_closed":
                observation.end(outcome)
        return observed(response, observation)

    def _begin(self, endpoint: Endpoint, entity: str, invocation: Invocation) -> Observation:
        def over(observation: Observation) -> None:
            self.limits.spend(endpoint, invocation.caller, observation.usage.total)
            self.metrics.end(observation)
            if tracks_usage(endpoint.ai_gateway):
                self.usage.add(observation)
            if keeps_payloads(endpoint.ai_gateway):
                self.log.add(observation)

        body = invocation.body or {}
        observation = Observation(
            endpoint=endpoint.name,
            requester=invocation.caller.user_name,
            request_id=invocation.request_id,
            task=invocation.task,
            request=invocation.raw,
            keeps_reply=keeps_payloads(endpoint.ai_gateway),
            when_over=over,
            client_request_id=_text(body.get("client_request_id")),
            usage_context=_object(body.get("usage_context")),
            entity=entity,
        )
        self.metrics.begin(observation)
        return observation


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None
