"""The refusals that are known, as one table: what each means, whose side it is on, and the next thing to do."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from services.errors import (
    AlreadyExists,
    Conflict,
    EndpointFailed,
    NotFound,
    PermissionDenied,
    Rejected,
    Side,
    TooManyRequests,
    Unauthenticated,
    WorkspaceError,
)


class Asked(Enum):
    """What was refused."""

    INVOKE = auto()
    """An endpoint's invocation."""
    READ = auto()
    """A question to the workspace."""
    CHANGE = auto()
    """A change of something in the workspace."""


@dataclass(frozen=True)
class Refusal:
    """A decoded refusal."""

    status: int
    code: str
    text: str
    from_provider: bool = False
    retry_after: float | None = None
    asked: Asked = Asked.INVOKE


@dataclass(frozen=True)
class KnownRefusal:
    """One known refusal. A row matches when each condition it states holds."""

    error: type[WorkspaceError]
    what: str
    hint: str
    status: tuple[int, ...] = ()
    code: str = ""
    text: str = ""
    side: Side | None = None
    asked: Asked | None = None
    """None: any."""
    from_provider: bool | None = None
    """None: whoever says it."""

    def matches(self, refusal: Refusal) -> bool:
        return (
            (not self.status or refusal.status in self.status)
            and self.asked in (None, refusal.asked)
            and self.from_provider in (None, refusal.from_provider)
            and (not self.code or re.search(self.code, refusal.code) is not None)
            and (not self.text or re.search(self.text, refusal.text, re.IGNORECASE | re.DOTALL) is not None)
        )


# The first that matches explains it, so the most particular come first. {name} is the endpoint or thing that was asked for;
# {text} is the server's own sentence.
KNOWN_REFUSALS = (
    KnownRefusal(
        AlreadyExists,
        "There is already a {name}.",
        "Choose another name, or change the one that is there.",
        code="RESOURCE_ALREADY_EXISTS",
        asked=Asked.CHANGE,
        side=Side.YOU,
    ),
    KnownRefusal(
        Rejected,
        "The workspace refused {name}: {text}",
        "Mend what the sentence names, then try again. Nothing was changed.",
        status=(400, 413, 422),
        asked=Asked.CHANGE,
    ),
    KnownRefusal(
        EndpointFailed,
        "The provider did not accept the endpoint's key: {text}",
        "Store a new value for the secret that the endpoint names (Secrets page); its config says which.",
        asked=Asked.INVOKE,
        status=(401, 403),
        from_provider=True,
    ),
    KnownRefusal(
        EndpointFailed,
        "{name} cannot use a secret that its config names: {text}",
        "Store the secret that the sentence names on the Secrets page, or ask the endpoint's owner.",
        asked=Asked.INVOKE,
        status=(400, 403, 404),
        text=r"secret reference|\bsecret\b.* (not found|cannot be resolved)",
        from_provider=False,
        side=Side.ENDPOINT,
    ),
    KnownRefusal(
        Rejected,
        "A guardrail of {name} blocked the exchange.",
        "Reword the prompt, or ask whoever manages the endpoint's AI gateway which guardrail is set.",
        asked=Asked.INVOKE,
        status=(400,),
        text="guardrail",
        side=Side.ENDPOINT,
    ),
    KnownRefusal(
        Rejected,
        "The prompt is longer than {name} can read: {text}",
        "Clear the conversation, shorten the prompt, or lower max_tokens.",
        asked=Asked.INVOKE,
        status=(400, 413),
        text="context (size|length|window)|too many tokens|maximum.*tokens|prompt is too long|exceeds the available",
    ),
    KnownRefusal(
        Rejected,
        "The request is larger than {name} accepts.",
        "Shorten it: 4 MB for foundation and external models, 16 MB for custom ones.",
        asked=Asked.INVOKE,
        status=(413,),
    ),
    KnownRefusal(
        NotFound,
        "{name} is stopped.",
        "Start it on the workspace's Serving page, then send again.",
        asked=Asked.INVOKE,
        status=(400,),
        text="endpoint.*(is|has been) stopped",
        side=Side.ENDPOINT,
    ),
    KnownRefusal(
        Rejected,
        "{name} does not accept a field of this request: {text}",
        "Set that parameter back to “not sent” and send again.",
        asked=Asked.INVOKE,
        status=(400, 422),
        text=r"\bunknown field|\bunexpected (field|keyword|argument|parameter)|\bunrecognized\b|\bnot supported\b"
        r"|\bunsupported\b|\bextra inputs\b|\bis not permitted\b",
    ),
    KnownRefusal(
        Rejected,
        "{name} refused the request: {text}",
        "Change what the sentence names, then send again. The inspector shows the exact body.",
        status=(400, 422),
    ),
    KnownRefusal(
        Unauthenticated,
        "The workspace did not accept the sign-in: {text}",
        "Open the connection page and connect again. A forwarded token is renewed by reloading the page.",
        status=(401,),
    ),
    KnownRefusal(
        Unauthenticated,
        "The workspace does not know this token.",
        "It may be revoked, expired, or of another workspace. Open the connection page and type a new one.",
        status=(403,),
        text="invalid access token|invalid token|token (is|has) expired",
    ),
    KnownRefusal(
        PermissionDenied,
        "The token lacks a scope: {text}",
        "Ask for the scope named above, or connect with a token that has it.",
        status=(403,),
        text="required scopes?",
        side=Side.YOU,
    ),
    KnownRefusal(
        Conflict,
        "{name} is busy: {text}",
        "Wait until its update is over, then try again. Nothing was changed.",
        status=(409,),
        asked=Asked.CHANGE,
        side=Side.ENDPOINT,
    ),
    KnownRefusal(
        PermissionDenied,
        "You may not change {name}: {text}",
        "Ask whoever manages it, or a workspace admin, for the permission. Nothing was changed.",
        status=(403,),
        asked=Asked.CHANGE,
    ),
    KnownRefusal(
        NotFound,
        "{name}: {text}",
        "Check the names in it (model, version, scope, principal); it may also have been deleted meanwhile.",
        status=(404,),
        asked=Asked.CHANGE,
    ),
    KnownRefusal(
        TooManyRequests,
        "The workspace takes no change of {name} for now: {text}",
        "Wait, then try again. Nothing was changed.",
        status=(429,),
        asked=Asked.CHANGE,
        side=Side.PLATFORM,
    ),
    KnownRefusal(
        EndpointFailed,
        "The workspace failed over {name}: {text}",
        "Look whether the change was made before you repeat it.",
        status=(500, 501, 502, 503, 504),
        asked=Asked.CHANGE,
        side=Side.PLATFORM,
    ),
    KnownRefusal(
        EndpointFailed,
        "The workspace failed over {name}: {text}",
        "Try again in a moment.",
        status=(408, 500, 501, 502, 503, 504),
        asked=Asked.READ,
        side=Side.PLATFORM,
    ),
    KnownRefusal(
        PermissionDenied,
        "You may not see {name}: {text}",
        "Ask a workspace admin, or connect as somebody who may.",
        status=(403,),
        asked=Asked.READ,
    ),
    KnownRefusal(
        PermissionDenied,
        "You may not use {name}: {text}",
        "Ask its owner for CAN QUERY on it (Serving page, Permissions).",
        status=(403,),
    ),
    KnownRefusal(
        NotFound,
        "This workspace does not know {name}.",
        "Check which workspace you are connected to; the host may not be a Databricks workspace.",
        status=(404,),
        asked=Asked.READ,
    ),
    KnownRefusal(
        NotFound,
        "There is no {name} in this workspace.",
        "Pick another from the list, or check which workspace you are connected to.",
        status=(404,),
    ),
    KnownRefusal(
        Conflict,
        "{name} is being changed: {text}",
        "Wait until the update is over, then send again.",
        status=(409,),
        side=Side.ENDPOINT,
    ),
    KnownRefusal(
        TooManyRequests,
        "{name} serves as many requests as it can at once: {text}",
        "Wait and send again, or give the endpoint more concurrency.",
        status=(429,),
        text="concurren|parallel",
        side=Side.ENDPOINT,
    ),
    KnownRefusal(
        TooManyRequests,
        "A rate limit of {name} is reached: {text}",
        "Wait, then send again. Nothing was retried for you.",
        status=(429,),
    ),
    KnownRefusal(
        EndpointFailed,
        "{name} took too long to answer: {text}",
        "Ask for less (max_tokens), or send again when the endpoint is warm.",
        status=(408, 504),
    ),
    KnownRefusal(
        EndpointFailed,
        "{name} cannot answer yet: {text}",
        "It may be waking up or scaling. Wait half a minute, then send again.",
        status=(503,),
    ),
    KnownRefusal(
        EndpointFailed,
        "Nothing answered behind the workspace's proxy for {name}.",
        "The endpoint may be restarting. Wait a little, then send again.",
        status=(502,),
        side=Side.PLATFORM,
    ),
    KnownRefusal(
        EndpointFailed,
        "{name} failed: {text}",
        "Send again; if it stays, read the endpoint's logs on the Serving page.",
    ),
)
