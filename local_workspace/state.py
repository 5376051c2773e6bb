"""The folder of one workspace: its tokens, its birthday, and a file for a person's shell."""

import json
import os
import secrets
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from local_workspace.identity import USERS


@dataclass(frozen=True)
class State:
    """What a workspace keeps between starts. `created_ms` is when the folder was first used, in milliseconds of Unix time."""

    folder: Path
    tokens: dict[str, str]
    created_ms: int


def open_state(folder: Path) -> State:
    """Read the state in `folder`, making folder and state when there is none. Raises OSError or ValueError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "tokens.json"
    if not path.exists():
        tokens = {key: f"dapi{secrets.token_hex(16)}" for key in USERS}
        write_private(path, json.dumps({"created_ms": int(time.time() * 1000), "tokens": tokens}))
    kept = json.loads(path.read_text())
    path.chmod(0o600)
    return State(folder, {key: str(kept["tokens"][key]) for key in USERS}, int(kept["created_ms"]))


def write_shell_file(state: State, host: str, ca_bundle: str | None) -> None:
    """Write `env.sh`: the lines that point a shell's Databricks clients at this workspace as its admin."""
    variables = {"DATABRICKS_HOST": host, "DATABRICKS_TOKEN": state.tokens["admin"]}
    if ca_bundle:
        variables |= {"REQUESTS_CA_BUNDLE": ca_bundle, "SSL_CERT_FILE": ca_bundle}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    write_private(state.folder / "env.sh", "".join(lines))


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` at once and for this user only: the file never exists half written or readable by others."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
