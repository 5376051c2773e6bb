"""Secret scopes: names, keys, permissions and references. A value goes in; it is never asked for."""

from services.secret_scopes.references import Path, SecretReference, references_in

__all__ = ["Path", "SecretReference", "references_in"]
