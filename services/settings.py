"""Settings: the only reader of the process environment."""

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PLAIN = {"DATABRICKS_HOST", "DATABRICKS_TOKEN"}
_HARMLESS = {"DATABRICKS_CONFIG_FILE", "DATABRICKS_CLUSTER_ID", "DATABRICKS_WAREHOUSE_ID"}


@dataclass(frozen=True)
class Settings:
    """What the environment says, read once and passed on. Holds no secret: those stay where the SDK finds them."""

    databricks_app: str | None
    """Name of the Databricks App this process runs as, or None outside Databricks Apps."""
    machine_host: str | None
    """Workspace that this machine's environment names, for people to read; None where a profile or runtime decides."""
    machine_configured: bool
    """Whether the SDK's unified authentication would find anything here at all."""
    profiles: tuple[str, ...]
    """Profiles of the Databricks config file, in its order."""
    default_profile: str | None
    """The profile that is used when none is named: DATABRICKS_CONFIG_PROFILE, or the file's own default."""
    trust_forwarded_identity: bool
    """Whether X-Forwarded-* headers may say who is browsing: only behind a proxy that strips the visitors' own."""
    allowed_origins: tuple[str, ...]
    """Origins beside this app's own whose pages may open its websocket, such as https://apps.example.com"""
    local_state: Path | None
    """Folder in which the embedded local workspace keeps its state; None for one that goes with this process."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; never raises for a missing or unreadable config file."""
        config_file = Path(environment.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser()
        profiles, file_default = _profiles(config_file)
        profile = environment.get("DATABRICKS_CONFIG_PROFILE") or file_default
        host = environment.get("DATABRICKS_HOST") or None
        app = environment.get("DATABRICKS_APP_NAME") or None
        trusted = environment.get("BRICKYARD_TRUST_FORWARDED_IDENTITY", "")
        state = environment.get("BRICKYARD_LOCAL_STATE")
        return cls(
            databricks_app=app,
            machine_host=host,
            machine_configured=bool(host or profile or environment.get("DATABRICKS_RUNTIME_VERSION")),
            profiles=profiles,
            default_profile=profile,
            trust_forwarded_identity=trusted.lower() in {"1", "true", "yes"} if trusted else app is not None,
            allowed_origins=tuple((environment.get("BRICKYARD_ALLOWED_ORIGINS") or "").replace(",", " ").split()),
            local_state=Path(state).expanduser() if state else None,
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


def _profiles(path: Path) -> tuple[tuple[str, ...], str | None]:
    """Names of the profiles that have a host, and which is the default. An unreadable file has none."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return (), None
    named = tuple(name for name in parser.sections() if name != "__settings__")
    default = "DEFAULT" if parser.defaults() else None
    default = parser.get("__settings__", "default_profile", fallback=default)
    return (("DEFAULT", *named) if parser.defaults() else named), default
