"""Whether secret references resolve: asked of the workspace, one call for a scope."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.errors import NotFound, PermissionDenied, PlaygroundError
from services.secret_scopes.reading import list_secrets
from services.secret_scopes.references import SecretReference
from services.workspace import Workspace


@dataclass(frozen=True)
class Unresolved:
    """A reference that was not found to resolve."""

    sentence: str
    missing: bool
    """Whether its scope or key is not there; else it could not be looked at, and may well be."""


def check_references(workspace: Workspace, references: Iterable[SecretReference]) -> dict[SecretReference, str]:
    """A sentence for each reference that does not resolve for this identity; empty when all do. One call for a scope.

    Never raises PlaygroundError: where the workspace does not answer, the sentence says that it could not be checked.
    """
    return {one: found.sentence for one, found in unresolved_references(workspace, references).items()}


def unresolved_references(
    workspace: Workspace, references: Iterable[SecretReference]
) -> dict[SecretReference, Unresolved]:
    """The same, with whether it is known to be missing. Never raises PlaygroundError."""
    by_scope: dict[str, list[SecretReference]] = {}
    for reference in dict.fromkeys(references):
        by_scope.setdefault(reference.scope.casefold(), []).append(reference)
    return {
        reference: found for asked in by_scope.values() for reference, found in _unresolved(workspace, asked).items()
    }


def _unresolved(workspace: Workspace, asked: list[SecretReference]) -> dict[SecretReference, Unresolved]:
    """The same, for references to one scope. The platform compares scopes and keys without regard to case."""
    scope = asked[0].scope
    try:
        keys = {secret.key.casefold() for secret in list_secrets(workspace, scope)}
    except NotFound:
        return dict.fromkeys(asked, Unresolved(f"There is no secret scope {scope}.", missing=True))
    except PermissionDenied as denied:
        sentence = f"You may not see secret scope {scope}, and who sets up an endpoint needs READ in it ({denied})."
        return dict.fromkeys(asked, Unresolved(sentence, missing=False))
    except PlaygroundError as error:
        return dict.fromkeys(asked, Unresolved(f"It could not be checked: {error}", missing=False))
    return {
        one: Unresolved(f"There is no key {one.key} in secret scope {scope}.", missing=True)
        for one in asked
        if one.key.casefold() not in keys
    }
