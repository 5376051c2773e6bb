"""The folder of one workspace: its tokens, its birthday, its database and key, and a file for a person's shell."""

import fcntl
import json
import os
import re
import secrets
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from local_workspace.cipher import Cipher
from local_workspace.database import Database
from local_workspace.identity.users import USERS
from local_workspace.private_files import write_private

LOCK_NAME = "lock"
_TOKEN = re.compile(r"[!-~]{8,200}")  # a person may put in one of its own


@dataclass(frozen=True)
class State:
    """What a workspace keeps between starts. `created_ms` is when the folder was first used, in milliseconds of Unix time."""

    folder: Path
    tokens: dict[str, str]
    created_ms: int
    database: Database
    cipher: Cipher


def open_state(folder: Path) -> State:
    """Read the state in `folder`, making folder and state when there is none.

    Raises ValueError with the rest of a sentence that begins "The state folder cannot be used:". Nothing damaged is written
    over.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _lock(folder)
        tokens, created_ms = _tokens(folder / "tokens.json")
        database = Database(folder)
        return State(folder, tokens, created_ms, database, Cipher(folder, database))
    except OSError as error:
        raise ValueError(f"{error.strerror or error}: {error.filename or folder}") from error


def _lock(folder: Path) -> None:
    """Hold the folder until this process ends, however it ends."""
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        raise ValueError(f"another local workspace (process {holder or 'unknown'}) is using it") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)  # and stays open: the lock goes with the process


def _tokens(path: Path) -> tuple[dict[str, str], int]:
    if not path.exists():
        made = {key: f"dapi{secrets.token_hex(16)}" for key in USERS}
        write_private(path, json.dumps({"created_ms": int(time.time() * 1000), "tokens": made}))
    path.chmod(0o600)
    try:
        kept = json.loads(path.read_bytes())
        tokens = {key: _token(kept["tokens"][key]) for key in USERS}
        return tokens, int(kept["created_ms"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"its file {path.name} is damaged ({type(error).__name__}); put back a copy, or move the file away"
        ) from error


def _token(kept: object) -> str:
    if not isinstance(kept, str) or not _TOKEN.fullmatch(kept):
        raise ValueError
    return kept


def write_shell_file(state: State, host: str, ca_bundle: str | None) -> None:
    """Write `env.sh`: the lines that point a shell's Databricks clients at this workspace as its admin."""
    variables = {"DATABRICKS_HOST": host, "DATABRICKS_TOKEN": state.tokens["admin"]}
    if ca_bundle:
        variables |= {"REQUESTS_CA_BUNDLE": ca_bundle, "SSL_CERT_FILE": ca_bundle}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    write_private(state.folder / "env.sh", "".join(lines))
