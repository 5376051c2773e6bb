"""`python -m local_workspace`: the command line, and the one line on stdout that says where the workspace is."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from local_workspace.app import make_app
from local_workspace.clusters.driver_process import listen_on_driver_port
from local_workspace.clusters.store import RUNNING_ID
from local_workspace.external_models.providers import REDIRECTABLE
from local_workspace.identity.users import Identities
from local_workspace.options import Options
from local_workspace.seed import provisioned_endpoints
from local_workspace.server import is_loopback, listen, make_certificate, serve
from local_workspace.state import State, open_state, write_shell_file

BAD_ARGUMENTS = 2
FAILED = 1


class _Parser(argparse.ArgumentParser):
    """An argument parser that refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        _refuse(f"{message[:1].upper()}{message[1:]}.", BAD_ARGUMENTS)


def main() -> None:
    """Serve a workspace until told to end."""
    parent = os.getppid()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("httpx", "httpcore", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_no_asked_for_drop)
    arguments = _arguments()
    with _state(arguments.state) as state:
        _serve(arguments, state, parent)
    logging.shutdown()
    os._exit(0)  # the usual exit waits for the thread that may still be loading a model


def _arguments() -> argparse.Namespace:
    parser = _Parser(prog="python -m local_workspace", description="A Databricks workspace on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=0, help="port; 0, the default, takes a free one")
    parser.add_argument("--state", type=Path, metavar="DIR", help="folder that keeps everything between starts")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS, with a certificate made at each start")
    parser.add_argument("--alias", type=_alias, action="append", default=[], metavar="NAME=ENDPOINT")
    parser.add_argument(
        "--deployment-seconds", type=_seconds, default=2.0, metavar="N", help="how long a deployment shows (default 2)"
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=297.0, metavar="N", help="seconds that an invocation may take (default 297)"
    )
    parser.add_argument(
        "--provider-url",
        type=_provider_url,
        action="append",
        default=[],
        metavar="PROVIDER=URL",
        help="where external models of PROVIDER are called in place of its own address, such as a stand-in on this machine",
    )
    parser.add_argument(
        "--scale-to-zero-seconds",
        type=_seconds,
        default=1800.0,
        metavar="N",
        help="seconds without a call after which a custom model may scale to zero (default 1800)",
    )
    parser.add_argument(
        "--models-on-demand",
        action="store_true",
        help="load a foundation model at the first call that needs it, not at the start",
    )
    parser.add_argument("--allow-remote", action="store_true", help="allow a --host that other machines can reach")
    arguments = parser.parse_args()
    if not arguments.allow_remote and not is_loopback(arguments.host):
        parser.error(f"--host {arguments.host} can be reached from other machines; add --allow-remote to mean it")
    return arguments


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port: a port is a number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds from 0 to 86400")
    return seconds


def _alias(text: str) -> tuple[str, str]:
    name, equals, endpoint = text.partition("=")
    if not equals or not endpoint or not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise argparse.ArgumentTypeError(f"'{text}' is no NAME=ENDPOINT with a name of letters, digits, - and _")
    return name, endpoint


def _provider_url(text: str) -> tuple[str, str]:
    provider, _, url = text.partition("=")
    if provider not in REDIRECTABLE or not url.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(
            f"'{text[:200]}' is no PROVIDER=URL with a URL of http or https and one of {', '.join(REDIRECTABLE)}"
        )
    return provider, url


@contextlib.contextmanager
def _state(folder: Path | None) -> Iterator[State]:
    with contextlib.ExitStack() as stack:
        where = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="local-workspace-")))
        try:
            state = open_state(where.resolve())
        except (OSError, ValueError) as error:
            _refuse(f"The state folder {where} cannot be used: {error}.", FAILED)
        yield state


def _serve(arguments: argparse.Namespace, state: State, parent: int) -> None:
    try:
        endpoints = provisioned_endpoints(state.created_ms, dict(arguments.alias))
    except ValueError as error:
        _refuse(str(error), BAD_ARGUMENTS)
    try:
        listener = listen(arguments.host, arguments.port)
    except OSError as error:
        _refuse(f"Cannot listen on {arguments.host} port {arguments.port}: {error.strerror or error}.", FAILED)
    tls, bundle = make_certificate(state.folder, arguments.host) if arguments.tls else (None, None)
    host = _url(arguments, listener)
    ca_bundle = str(bundle) if bundle else None
    write_shell_file(state, host, ca_bundle)
    driver_listener = listen_on_driver_port(besides=listener.getsockname()[1])
    line = {
        "host": host,
        "token": state.tokens["admin"],
        "users": state.tokens,
        "cluster_id": RUNNING_ID,
        "driver_port": driver_listener.getsockname()[1] if driver_listener else None,
        "ca_bundle": ca_bundle,
        "state": str(state.folder),
    }
    options = Options(
        host,
        ca_bundle,
        arguments.deployment_seconds,
        arguments.timeout,
        provider_urls=dict(arguments.provider_url),
        scale_to_zero_seconds=arguments.scale_to_zero_seconds,
        models_on_demand=arguments.models_on_demand,
    )
    try:
        app = make_app(state, Identities(state.tokens, state.database), endpoints, options, driver_listener)
    except ValueError as error:
        _refuse(f"The state folder {state.folder} cannot be used: {error}.", FAILED)
    asyncio.run(serve(app, listener, tls, parent, lambda: _say(json.dumps(line))))


def _url(arguments: argparse.Namespace, listener: socket.socket) -> str:
    scheme = "https" if arguments.tls else "http"
    name = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    return f"{scheme}://{name}:{listener.getsockname()[1]}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _is_no_asked_for_drop(record: logging.LogRecord) -> bool:
    # What the fault break-after-N does on purpose is an error to uvicorn, and so is a websocket that is refused.
    return not record.getMessage().endswith(("without completing response.", "without completing handshake."))


def _refuse(sentence: str, status: int) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
