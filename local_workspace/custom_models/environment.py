"""What a model's process finds in its environment: the endpoint's variables, and the way back to this workspace."""

import re
from typing import Protocol

from local_workspace import refusals
from local_workspace.identity.users import User
from local_workspace.secret_scopes.references import SecretReference

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Linux takes no more than 128 KB in one variable, its name included.
MAX_BYTES = 128 * 1024


class Secrets(Protocol):
    """Where secret values come from."""

    def resolve(self, reference: SecretReference, reader: User) -> bytes:
        """The value `reference` stands for, read as `reader`. Raises RefusalError."""


def resolved(variables: dict[str, str], creator: User, secrets: Secrets) -> dict[str, str]:
    """The variables, with each secret reference replaced by its value.

    Raises RefusalError (400, 403): a name that cannot be one, a reference that the creator cannot read, a value that no
    environment can hold. The sentence names the variable, never the value.
    """
    return {name: _value(name, text, creator, secrets) for name, text in variables.items()}


def way_back(host: str, token: str, ca_bundle: str | None) -> dict[str, str]:
    """How Databricks clients and MLflow inside the model reach this workspace."""
    found = {
        "DATABRICKS_HOST": host,
        "DATABRICKS_TOKEN": token,
        "MLFLOW_TRACKING_URI": host,
        "MLFLOW_TRACKING_TOKEN": token,
        # There is no store for traces of served models here, so none are made.
        "MLFLOW_TRACE_SAMPLING_RATIO": "0",
    }
    return found | ({"REQUESTS_CA_BUNDLE": ca_bundle, "SSL_CERT_FILE": ca_bundle} if ca_bundle else {})


def _value(name: str, text: str, creator: User, secrets: Secrets) -> str:
    if not NAME.fullmatch(name):
        raise refusals.invalid_parameter(
            f"The environment variable '{name[:80]}' has no valid name: letters, digits and _, not beginning with a digit."
        )
    reference = SecretReference.parse(text)
    value = secrets.resolve(reference, creator) if reference else text.encode()
    if b"\0" in value or len(name) + len(value) + 2 > MAX_BYTES:
        raise refusals.invalid_parameter(
            f"The value of the environment variable '{name}' holds a NUL byte or is over {MAX_BYTES} bytes."
        )
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise refusals.invalid_parameter(f"The value of the environment variable '{name}' is not text.") from error
