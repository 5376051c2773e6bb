"""databricks-sdk's `secrets`, and `dbutils.secrets` as a notebook has it."""

import base64

import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.errors.platform import ResourceAlreadyExists
from databricks.sdk.service.workspace import AclPermission, AzureKeyVaultSecretScopeMetadata, ScopeBackendType

VALUE = "canary 안녕 🧱\n"


@pytest.fixture
def scope(sdk):
    """A scope of the admin's."""
    sdk.secrets.create_scope("sdk-secrets")
    yield "sdk-secrets"
    sdk.secrets.delete_scope("sdk-secrets")


def test_scopes_are_created_listed_and_deleted(sdk):
    sdk.secrets.create_scope("mine", initial_manage_principal="users")
    (made,) = [scope for scope in sdk.secrets.list_scopes() if scope.name == "mine"]
    assert made.backend_type == ScopeBackendType.DATABRICKS
    with pytest.raises(ResourceAlreadyExists):
        sdk.secrets.create_scope("mine")
    sdk.secrets.delete_scope("mine")
    assert "mine" not in [scope.name for scope in sdk.secrets.list_scopes()]
    with pytest.raises(NotFound):
        sdk.secrets.delete_scope("mine")


def test_values_go_in_and_come_back(sdk, scope):
    sdk.secrets.put_secret(scope, "text", string_value=VALUE)
    sdk.secrets.put_secret(scope, "bytes", bytes_value=base64.b64encode(bytes(range(256))).decode())
    sdk.secrets.put_secret(scope, "empty", string_value="")
    assert base64.b64decode(sdk.secrets.get_secret(scope, "text").value) == VALUE.encode()
    assert base64.b64decode(sdk.secrets.get_secret(scope, "bytes").value) == bytes(range(256))
    assert sdk.secrets.get_secret(scope, "empty").value in ("", None)
    listed = list(sdk.secrets.list_secrets(scope))
    assert [secret.key for secret in listed] == ["bytes", "empty", "text"]
    assert all(secret.last_updated_timestamp > 1_700_000_000_000 for secret in listed)
    assert "canary" not in repr(listed)
    sdk.secrets.delete_secret(scope, "text")
    with pytest.raises(NotFound):
        sdk.secrets.get_secret(scope, "text")


def test_dbutils_reads_secrets(sdk, scope):
    sdk.secrets.put_secret(scope, "key", string_value=VALUE)
    secrets = sdk.dbutils.secrets
    assert secrets.get(scope, "key") == VALUE
    assert secrets.getBytes(scope, "key") == VALUE.encode()
    assert [secret.key for secret in secrets.list(scope)] == ["key"]
    assert scope in [found.name for found in secrets.listScopes()]


def test_acls_decide(sdk, analyst_sdk, scope):
    sdk.secrets.put_secret(scope, "key", string_value=VALUE)
    with pytest.raises(PermissionDenied):
        analyst_sdk.secrets.get_secret(scope, "key")
    sdk.secrets.put_acl(scope, "analyst@local", AclPermission.READ)
    assert analyst_sdk.dbutils.secrets.get(scope, "key") == VALUE
    with pytest.raises(PermissionDenied):
        analyst_sdk.secrets.put_secret(scope, "key", string_value="theirs")
    sdk.secrets.put_acl(scope, "analyst@local", AclPermission.WRITE)
    analyst_sdk.secrets.put_secret(scope, "key", string_value="theirs")
    with pytest.raises(PermissionDenied):
        analyst_sdk.secrets.put_acl(scope, "users", AclPermission.MANAGE)
    assert sdk.secrets.get_acl(scope, "analyst@local").permission == AclPermission.WRITE
    assert {acl.principal: acl.permission for acl in sdk.secrets.list_acls(scope)} == {
        "admin@local": AclPermission.MANAGE,
        "analyst@local": AclPermission.WRITE,
    }
    sdk.secrets.delete_acl(scope, "analyst@local")
    with pytest.raises(NotFound):
        sdk.secrets.get_acl(scope, "analyst@local")


def test_a_key_vault_is_refused(sdk):
    vault = AzureKeyVaultSecretScopeMetadata(resource_id="/subscriptions/1", dns_name="https://v.vault.azure.net/")
    with pytest.raises(InvalidParameterValue, match="KeyVault"):
        sdk.secrets.create_scope(
            "vault", scope_backend_type=ScopeBackendType.AZURE_KEYVAULT, backend_azure_keyvault=vault
        )


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "a/b", "안녕"])
def test_bad_names_are_refused(sdk, scope, name):
    with pytest.raises(InvalidParameterValue):
        sdk.secrets.create_scope(name)
    with pytest.raises(InvalidParameterValue):
        sdk.secrets.put_secret(scope, name, string_value="x")


def test_a_value_over_the_limit_is_refused_without_telling_it(sdk, scope):
    sdk.secrets.put_secret(scope, "key", string_value="x" * 128 * 1024)
    with pytest.raises(InvalidParameterValue) as refused:
        sdk.secrets.put_secret(scope, "key", string_value="canary" * 22_000)
    assert "canary" not in str(refused.value)
