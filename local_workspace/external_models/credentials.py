"""The credentials of an external model, at the moment they are needed."""

from typing import Any

from local_workspace.cipher import Cipher
from local_workspace.external_models.providers import credential_references
from local_workspace.identity.users import User
from local_workspace.refusals import RefusalError, bad_request, external_model_key_lost
from local_workspace.secret_scopes.references import SecretReference
from local_workspace.secret_scopes.store import SecretStore
from local_workspace.serving.records import ExternalModel

# A service account's key is JSON of many lines; everything else goes into a header.
_OF_MANY_LINES = {"private_key"}


class Credentials:
    """Reads them: references from the secret store, plaintext from the record itself."""

    def __init__(self, secrets: SecretStore, cipher: Cipher) -> None:
        self._secrets = secrets
        self._cipher = cipher

    def resolve(self, model: ExternalModel, reader: User) -> tuple[dict[str, Any], list[str]]:
        """The provider's block with each credential in its place, and the credentials alone.

        Raises RefusalError: `reader` may not read a secret, there is none, or it cannot be a credential.
        """
        found: dict[str, str] = {}
        for name, text in credential_references(model):
            reference = SecretReference.parse(text)
            if reference is not None:
                found[name] = _text(self._secrets.resolve(reference, reader), name, text)
        for name, token in model.managed.items():
            try:
                value = self._cipher.decrypt(token.encode())
            except ValueError as error:
                raise external_model_key_lost(name) from error
            found[name] = _text(value, name, f"{name}_plaintext")
        config: dict[str, Any] = {
            name: dict(value) if isinstance(value, dict) else value for name, value in model.config.items()
        }
        for name, text in found.items():
            block, _, field = name.rpartition(".")
            (config[block] if block else config)[field] = text
        return config, list(found.values())


def _text(value: bytes, name: str, where: str) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise _unusable(name, where, "is not text") from error
    if not text.strip():
        raise _unusable(name, where, "is empty")
    if name not in _OF_MANY_LINES and any(ord(character) < 32 for character in text):
        raise _unusable(name, where, "holds a line break or another control character, perhaps at its end")
    return text


def _unusable(name: str, where: str, why: str) -> RefusalError:
    return bad_request(f"The value of {where} cannot be the credential '{name}': it {why}.")
