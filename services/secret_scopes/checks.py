"""Whether secret references resolve: asked of the workspace, one call for a scope."""

from collections.abc import Iterable

from services.errors import NotFound, PermissionDenied, PlaygroundError
from services.secret_scopes.reading import list_secrets
from services.secret_scopes.references import SecretReference
from services.workspace import Workspace


def check_references(workspace: Workspace, references: Iterable[SecretReference]) -> dict[SecretReference, str]:
    """A sentence for each reference that does not resolve for this identity; empty when all do. One call for a scope.

    Never raises PlaygroundError: where the workspace does not answer, the sentence says that it could not be checked.
    """
    by_scope: dict[str, list[SecretReference]] = {}
    for reference in dict.fromkeys(references):
        by_scope.setdefault(reference.scope.casefold(), []).append(reference)
    return {
        reference: sentence for asked in by_scope.values() for reference, sentence in _broken(workspace, asked).items()
    }


def _broken(workspace: Workspace, asked: list[SecretReference]) -> dict[SecretReference, str]:
    """The same, for references to one scope. The platform compares scopes and keys without regard to case."""
    scope = asked[0].scope
    try:
        keys = {secret.key.casefold() for secret in list_secrets(workspace, scope)}
    except NotFound:
        return dict.fromkeys(asked, f"There is no secret scope {scope}.")
    except PermissionDenied as denied:
        return dict.fromkeys(
            asked, f"You may not see secret scope {scope}, and who sets up an endpoint needs READ in it ({denied})."
        )
    except PlaygroundError as error:
        return dict.fromkeys(asked, f"It could not be checked: {error}")
    return {
        one: f"There is no key {one.key} in secret scope {scope}." for one in asked if one.key.casefold() not in keys
    }
