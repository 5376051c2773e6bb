"""Access tokens of Microsoft Entra, for Azure OpenAI endpoints that sign in with a client secret."""

import hashlib
import time
from typing import Any
from urllib.parse import quote

from local_workspace.external_models import upstream
from local_workspace.external_models.failures import bad_answer

LOGIN = "https://login.microsoftonline.com"
SCOPE = "https://cognitiveservices.azure.com/.default"
EARLY_SECONDS = 60.0

_tokens: dict[bytes, tuple[str, float]] = {}


async def access_token(config: dict[str, Any], login: str | None) -> str:
    """A token for the client of `config`, kept until a minute before its end. Raises FailedError."""
    client = [config["microsoft_entra_tenant_id"], config["microsoft_entra_client_id"]]
    key = hashlib.sha256(repr([*client, config["microsoft_entra_client_secret"], login]).encode()).digest()
    token, until = _tokens.get(key, ("", 0.0))
    if time.monotonic() < until:
        return token
    form = {
        "grant_type": "client_credentials",
        "client_id": client[1],
        "client_secret": config["microsoft_entra_client_secret"],
        "scope": SCOPE,
    }
    url = f"{(login or LOGIN).rstrip('/')}/{quote(client[0], safe='')}/oauth2/v2.0/token"
    async with upstream.post(url, {}, None, form) as answer:
        reply = await answer.json()
    if not isinstance(reply, dict) or not isinstance(reply.get("access_token"), str):
        raise bad_answer("Microsoft Entra's answer holds no access token.")
    seconds = float(reply.get("expires_in", 0))
    _tokens[key] = (reply["access_token"], time.monotonic() + seconds - EARLY_SECONDS)
    return str(reply["access_token"])
