"""What is known of secret scopes. No record holds a value."""

from dataclasses import dataclass
from enum import StrEnum

from services.errors import PlaygroundError

KEY_VAULT = "AZURE_KEYVAULT"


class Permission(StrEnum):
    """What a principal may do in a scope; each includes those before it."""

    READ = "READ"
    WRITE = "WRITE"
    MANAGE = "MANAGE"


@dataclass(frozen=True)
class SecretScope:
    """One scope. Its name is readable by everybody in the workspace."""

    name: str
    backend_type: str = "DATABRICKS"
    """DATABRICKS or AZURE_KEYVAULT."""

    @property
    def read_only(self) -> bool:
        """Whether its secrets are kept elsewhere and can only be read from here."""
        return self.backend_type == KEY_VAULT


@dataclass(frozen=True)
class Secret:
    """One key of a scope."""

    key: str
    updated_ms: int | None
    """When its value was put last; milliseconds since the epoch, None where the workspace does not say."""


@dataclass(frozen=True)
class Acl:
    """What one principal may do in a scope."""

    principal: str
    """A user's or group's name, or a service principal's application id."""
    permission: str
    """READ, WRITE or MANAGE, in the platform's words."""


@dataclass(frozen=True)
class MyPermission:
    """What the identity may do in a scope, as far as the workspace says; None where it does not.

    The API has no call for it. Who may list the ACLs has MANAGE, who may list the keys has READ or more; whether it is WRITE
    shows only when something is written.
    """

    reads: bool | None = None
    writes: bool | None = None
    manages: bool | None = None

    @property
    def label(self) -> str:
        """In the platform's words, for people."""
        if self.manages:
            return "MANAGE"
        if self.writes:
            return "WRITE"
        if self.reads:
            return "READ" if self.writes is False else "READ or WRITE"
        return "none" if self.reads is False else "unknown"


@dataclass(frozen=True)
class ScopeContents:
    """What is in a scope, as far as the identity may see it."""

    scope: str
    secrets: tuple[Secret, ...]
    """By key; empty where they may not be listed."""
    acls: tuple[Acl, ...]
    """By principal; empty where they may not be listed."""
    mine: MyPermission
    secrets_error: PlaygroundError | None = None
    """Why the keys could not be listed."""
    acls_error: PlaygroundError | None = None
    """Why the permissions could not be listed."""
