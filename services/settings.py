"""Settings: the only reader of the process environment."""

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_PLAIN = {"DATABRICKS_HOST", "DATABRICKS_TOKEN"}
_HARMLESS = {"DATABRICKS_CONFIG_FILE", "DATABRICKS_CLUSTER_ID", "DATABRICKS_WAREHOUSE_ID"}
_YES = {"1", "true", "yes", "on"}


@dataclass(frozen=True)
class Settings:
    """What the environment says at the moment it is read. Holds no secret: those stay where the SDK finds them."""

    databricks_app: str | None
    """Name of the Databricks App this process runs as, or None outside Databricks Apps."""
    machine_host: str | None
    """Workspace that this machine's environment names, for people to read; None where a profile or runtime decides."""
    machine_configured: bool
    """Whether the environment, or the config file's default profile, names a workspace for the SDK's unified authentication."""
    profiles: tuple[str, ...]
    """Profiles of the Databricks config file that have a host: DEFAULT, then the others in the file's order."""
    trust_forwarded_identity: bool
    """Whether X-Forwarded-* headers may say who is browsing: only behind a proxy that strips the visitors' own."""
    allowed_origins: tuple[str, ...]
    """Origins beside this app's own whose pages may open its websocket, such as https://apps.example.com"""
    local_state: Path | None
    """Folder in which the embedded local workspace keeps its state; None for one that goes with this process."""
    cluster_id: str = ""
    """The cluster on which this process runs, as a driver's environment has it. Not DATABRICKS_CLUSTER_ID: that one is set by
    people on their laptops, to say with which cluster they work."""
    transforms: bool = True
    """Whether people may run transforms here. A value that is no plain yes switches them off."""
    webassembly_python: Path | None = None
    """Interpreter that has requirements-webassembly.txt; None for this one, should it have them."""
    state: Path | None = None
    """Folder for what this Brickyard keeps, such as saved transforms; None where there is no home for it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; never raises for a missing or unreadable config file. That is read again when it has changed."""
        config_file = _expanded(environment.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg")
        profiles, file_default = _profiles(config_file)
        profile = environment.get("DATABRICKS_CONFIG_PROFILE") or file_default
        host = environment.get("DATABRICKS_HOST") or None
        app = environment.get("DATABRICKS_APP_NAME") or None
        trusted = environment.get("BRICKYARD_TRUST_FORWARDED_IDENTITY", "")
        state = environment.get("BRICKYARD_LOCAL_STATE")
        webassembly = environment.get("BRICKYARD_WEBASSEMBLY_PYTHON")
        return cls(
            databricks_app=app,
            machine_host=host,
            machine_configured=bool(host or profile or environment.get("DATABRICKS_RUNTIME_VERSION")),
            profiles=profiles,
            trust_forwarded_identity=trusted.lower() in _YES if trusted else app is not None,
            allowed_origins=tuple((environment.get("BRICKYARD_ALLOWED_ORIGINS") or "").replace(",", " ").split()),
            local_state=_expanded(state) if state else None,
            cluster_id=environment.get("DB_CLUSTER_ID") or "",
            transforms=(environment.get("BRICKYARD_TRANSFORMS") or "on").strip().lower() in _YES,
            webassembly_python=_expanded(webassembly) if webassembly else None,
            state=_state(environment),
        )


def machine_token(environment: Mapping[str, str] = os.environ) -> tuple[str, str] | None:
    """(host, token) where the environment says both, and nothing that could make the SDK's unified authentication prefer
    another way. That is what it would find too; asking it would cost a second of processor time."""
    said = {
        name for name, value in environment.items() if value and name.startswith(("DATABRICKS_", "ARM_", "GOOGLE_"))
    }
    if said & _PLAIN == _PLAIN and said <= _PLAIN | _HARMLESS:
        return environment["DATABRICKS_HOST"], environment["DATABRICKS_TOKEN"]
    return None


def child_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a child process that must not inherit anyone's Databricks credentials."""
    return {name: value for name, value in environment.items() if not name.startswith(("DATABRICKS_", "MLFLOW_"))}


def bare_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a child process that meets other people's code: only what Windows starts no program without."""
    return {name: environment[name] for name in ("SYSTEMROOT",) if name in environment}


def _expanded(path: str) -> Path | None:
    """The path with ~ replaced; None where there is no such home, as in a container whose user has no name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return None


def _state(environment: Mapping[str, str]) -> Path | None:
    named = environment.get("BRICKYARD_STATE")
    if named:
        return _expanded(named)
    base = environment.get("XDG_STATE_HOME") or ""  # one that is not absolute is to be ignored, says its specification
    home = _expanded(base if base.startswith("/") else "~/.local/state")
    return home / "brickyard" if home else None


def _profiles(path: Path | None) -> tuple[tuple[str, ...], str | None]:
    """Names of the profiles that have a host, and which of them is the default. An unreadable file has none."""
    try:
        found = path.stat() if path else None
    except (OSError, ValueError):  # the latter: a NUL in the path
        found = None
    return _read_profiles(path, (found.st_mtime_ns, found.st_size)) if path and found else ((), None)


@lru_cache(maxsize=8)
def _read_profiles(path: Path, _state: tuple[int, int]) -> tuple[tuple[str, ...], str | None]:
    """Read the file; once for each state of it, which time and size stand for."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return (), None
    default = parser.get("__settings__", "default_profile", fallback="DEFAULT")
    hosts = {"DEFAULT": parser.defaults().get("host")}
    parser.remove_option("DEFAULT", "host")  # for the SDK it is a profile like the others, from which none inherits
    hosts |= {name: parser.get(name, "host", fallback="") for name in parser.sections() if name != "__settings__"}
    profiles = tuple(name for name, host in hosts.items() if host)
    return profiles, default if default in profiles else None
