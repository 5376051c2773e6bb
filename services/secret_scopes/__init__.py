"""Secret scopes: names, keys, permissions and references. A value goes in; it is never asked for."""

from services.secret_scopes.changing import (
    MAX_VALUE,
    checked_value,
    create_secret_scope,
    delete_acl,
    delete_secret,
    delete_secret_scope,
    put_acl,
    put_secret,
)
from services.secret_scopes.checks import Unresolved, check_references, unresolved_references
from services.secret_scopes.names import checked_key, checked_principal, checked_scope, is_key_not_name, looks_like_key
from services.secret_scopes.reading import (
    get_scope_contents,
    list_acls,
    list_secret_scopes,
    list_secrets,
    my_permission,
)
from services.secret_scopes.records import Acl, MyPermission, Permission, ScopeContents, Secret, SecretScope
from services.secret_scopes.references import Path, SecretReference, references_in

__all__ = [
    "MAX_VALUE",
    "Acl",
    "MyPermission",
    "Path",
    "Permission",
    "ScopeContents",
    "Secret",
    "SecretReference",
    "SecretScope",
    "Unresolved",
    "check_references",
    "checked_key",
    "checked_principal",
    "checked_scope",
    "checked_value",
    "create_secret_scope",
    "delete_acl",
    "delete_secret",
    "delete_secret_scope",
    "get_scope_contents",
    "is_key_not_name",
    "list_acls",
    "list_secret_scopes",
    "list_secrets",
    "looks_like_key",
    "my_permission",
    "put_acl",
    "put_secret",
    "references_in",
    "unresolved_references",
]
