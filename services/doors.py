"""The four doors to a workspace, in the order they are tried: Databricks App, this session, this machine, local workspace."""

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from services.errors import BadInput
from services.local import LocalAddress
from services.settings import machine_token
from services.translation import translated_sdk
from services.workspace import CONTROL_SECONDS, RETRY_SECONDS, Door, Workspace

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]*:[0-9a-f:.]*")
_NO_CONFIG_FILE = f"{os.devnull}/none"
_TOKEN = re.compile(r"(?:dapi|dose|dkea)[\w-]{8,}|eyJ[\w-]{8,}")
_BEFORE_HOST = re.compile(r"\A(?:[a-z]+://|bearer\s+)+", re.IGNORECASE)
_ECHOED = 60
"""Characters of what was typed that a sentence repeats."""


def visitor_of_app(host: str, token: str) -> Workspace:
    """Door 1 as the person who browses: their token, forwarded by Databricks Apps. It may be stale: 401 means reload."""
    return _with_token(normal_host(host), token, Door.DATABRICKS_APP, acting_as="you, through Databricks Apps")


def app_itself() -> Workspace:
    """Door 1 as the app: the service principal that Databricks Apps put into the environment."""
    return _with_unified_auth(Door.DATABRICKS_APP, acting_as="the app's service principal")


def typed(host: str, token: str) -> Workspace:
    """Door 2: what a person typed, for their session only. Raises BadInput for what cannot be a host or a token."""
    token = token.strip()
    if not token:
        raise BadInput("No token was typed.", "Paste a personal access token, or an OAuth access token.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput("That is not a token: it has spaces or characters that no token has.", "Copy it again.")
    return _with_token(normal_host(host), token, Door.SESSION, acting_as="the token you typed")


def machine(profile: str | None = None) -> Workspace:
    """Door 3: whatever the SDK's unified authentication finds: the environment, a profile, a notebook."""
    plain = machine_token() if profile is None else None
    if plain is not None:
        host, token = plain
        return _with_token(normal_host(host), token, Door.MACHINE, acting_as="this machine")
    return _with_unified_auth(
        Door.MACHINE, acting_as=f"profile {profile}" if profile else "this machine", profile=profile
    )


def local(address: LocalAddress, user: str) -> Workspace:
    """Door 4: the local workspace, as one of its two users: admin or analyst."""
    return _with_token(
        address.host, address.users[user], Door.LOCAL, acting_as=f"local {user}", ca_bundle=address.ca_bundle
    )


def normal_host(typed_host: str) -> str:
    """``https://name[:port]`` from what people paste: without scheme, with a path, with ``?o=...``.

    Raises BadInput for what is no host, and for http to another machine, where a token would travel in the clear. A token
    in the wrong field is neither repeated nor looked up: names are asked of DNS in the clear.
    """
    text = typed_host.strip()
    if not text:
        raise BadInput(
            "No host was typed.", "Paste the address of your workspace, such as https://dbc-….cloud.databricks.com"
        )
    if _is_token(text):
        raise _token_for_host()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no_host(text, "an address") from None  # its sentence has what was typed
    if not host or not _HOST.fullmatch(host) or parts.scheme not in ("https", "http") or "@" in parts.netloc:
        raise _no_host(text)
    if not ("." in host.strip(".") or ":" in host or port or host in _LOOPBACK):
        raise _no_host(text)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise BadInput(
            "A token must not travel over http.", "Use https://. Only an address of this machine may be http."
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and (parts.scheme, port) != ("https", 443) else "")


def _is_token(text: str) -> bool:
    """Whether a token stands where the host should. A host may begin like one, but has a dot, and none of JSON's base64."""
    bare = _BEFORE_HOST.sub("", text)
    name = re.split(r"[/?#:\s]", bare)[0]
    has_dot = "." in name.strip(".")
    return bare.startswith("eyJ") or (not has_dot and (len(name) > 80 or name.startswith(("dapi", "dose", "dkea"))))


def _token_for_host() -> BadInput:
    return BadInput(
        "That looks like a token, not a host.",
        "Put the address of your workspace there, and the token into its own field.",
    )


def _no_host(text: str, what: str = "the address of a workspace") -> BadInput:
    if _TOKEN.search(text):
        return _token_for_host()
    if "@" in text:  # what stands before it may be a password
        return BadInput("An address of a workspace has no @ in it.", "Paste it from your browser's address bar.")
    shown = text if len(text) <= _ECHOED else f"{text[: _ECHOED - 1]}…"
    return BadInput(f"“{shown}” is not {what}.", "Paste it from your browser's address bar.")


def _with_token(host: str, token: str, door: Door, *, acting_as: str, ca_bundle: str | None = None) -> Workspace:
    def client() -> "WorkspaceClient":
        # auth_type: in a Databricks App the environment also holds the service principal's credentials. config_file: with a
        # profile named in the environment the SDK would add what that says, or fail because it is not there.
        return _client(host=host, token=token, auth_type="pat", config_file=_NO_CONFIG_FILE)

    headers = {"Authorization": f"Bearer {token}"}
    return Workspace(host, door, credentials=lambda: headers, client=client, acting_as=acting_as, ca_bundle=ca_bundle)


def _with_unified_auth(door: Door, *, acting_as: str, profile: str | None = None) -> Workspace:
    name = f"profile {profile}" if profile else "the workspace"
    with translated_sdk(name):
        client = _client(profile=profile)

    def credentials() -> Mapping[str, str]:
        with translated_sdk(name):
            return client.config.authenticate()

    return Workspace(client.config.host, door, credentials=credentials, client=lambda: client, acting_as=acting_as)


def _client(**options: Any) -> "WorkspaceClient":
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    config = Config(
        retry_timeout_seconds=RETRY_SECONDS,
        http_timeout_seconds=CONTROL_SECONDS,
        product="brickyard",
        product_version="0.1.0",
        **{name: value for name, value in options.items() if value is not None},
    )
    return WorkspaceClient(config=config)
