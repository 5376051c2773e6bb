"""The folder of one workspace: its tokens, its birthday, its database and key, and a file for a person's shell."""

import fcntl
import json
import os
import secrets
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from local_workspace.cipher import Cipher
from local_workspace.database import Database
from local_workspace.identity.users import USERS
from local_workspace.private_files import write_private

LOCK_NAME = "lock"
MAX_MS = 10**14  # milliseconds of Unix time; the year 5138


@dataclass(frozen=True)
class State:
    """What a workspace keeps between starts. `created_ms` is when the folder was first used, in milliseconds of Unix time."""

    folder: Path
    tokens: dict[str, str]
    created_ms: int
    database: Database
    cipher: Cipher


class _Tokens(BaseModel):
    """The content of `tokens.json`. A person may put in tokens of its own."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    created_ms: Annotated[int, Field(ge=0, le=MAX_MS)]
    tokens: dict[str, Annotated[str, Field(pattern="^[!-~]{8,200}$")]]

    @field_validator("tokens")
    @classmethod
    def _one_for_each_user(cls, tokens: dict[str, str]) -> dict[str, str]:
        if tokens.keys() != USERS.keys() or len(set(tokens.values())) < len(tokens):
            raise ValueError(f"there must be one token for each of {', '.join(USERS)}, and no two the same")
        return tokens


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
        kept = _Tokens.model_validate_json(path.read_bytes())
    except ValidationError as error:
        what = error.errors(include_url=False, include_input=False, include_context=False)[0]["msg"]
        raise ValueError(f"its file {path.name} is damaged ({what}); put back a copy, or move the file away") from error
    return kept.tokens, kept.created_ms


def write_shell_file(state: State, host: str, ca_bundle: str | None) -> None:
    """Write `env.sh`: the lines that point a shell's Databricks clients, MLflow and curl at this workspace as its admin."""
    token = state.tokens["admin"]
    variables = {
        "DATABRICKS_HOST": host,
        "DATABRICKS_TOKEN": token,
        "MLFLOW_TRACKING_URI": host,
        "MLFLOW_TRACKING_TOKEN": token,
    }
    if ca_bundle:
        # curl's own variable as well: where it is set, curl does not look at the others.
        variables |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), ca_bundle)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    write_private(state.folder / "env.sh", "".join(lines))
