"""Settings: what the environment means."""

from pathlib import Path

import pytest

from services.settings import Settings, child_environment, machine_token


@pytest.fixture
def config_file(tmp_path):
    return tmp_path / "databrickscfg"


def settings(config_file, **environment) -> Settings:
    return Settings.from_environment({"DATABRICKS_CONFIG_FILE": str(config_file), **environment})


def test_an_empty_environment_configures_nothing(config_file):
    assert settings(config_file) == Settings(None, None, False, (), None, False, (), None)


def test_a_host_in_the_environment_configures_the_machine(config_file):
    found = settings(config_file, DATABRICKS_HOST="https://x.example")
    assert (found.machine_host, found.machine_configured) == ("https://x.example", True)
    assert not settings(config_file, DATABRICKS_HOST="").machine_configured


def test_a_notebooks_runtime_configures_the_machine(config_file):
    assert settings(config_file, DATABRICKS_RUNTIME_VERSION="15.4").machine_configured


PROFILES = {
    "": ((), None),
    "[DEFAULT]\nhost = https://a\n": (("DEFAULT",), "DEFAULT"),
    "[DEFAULT]\nhost = https://a\n[b]\nhost = https://b\n": (("DEFAULT", "b"), "DEFAULT"),
    "[b]\nhost = https://b\n[c]\nhost = https://c\n": (("b", "c"), None),
    "[__settings__]\ndefault_profile = c\n[b]\nhost = https://b\n[c]\nhost = https://c\n": (("b", "c"), "c"),
    "[b]\nhost = https://b\ntoken = 50%off\n": (("b",), None),
    "no section\n": ((), None),
    "[b]\nhost = 1\n[b]\nhost = 2\n": ((), None),
}


@pytest.mark.parametrize("text", PROFILES)
def test_profiles_are_read_as_the_sdk_reads_them(config_file, text):
    config_file.write_text(text)
    found = settings(config_file)
    assert (found.profiles, found.default_profile) == PROFILES[text]
    assert found.machine_configured == (PROFILES[text][1] is not None)


def test_a_config_file_that_cannot_be_read_has_no_profiles(config_file, tmp_path):
    config_file.write_bytes(b"\xff\xfe[b]\x00")
    assert settings(config_file).profiles == ()
    assert settings(tmp_path).profiles == ()


def test_the_environments_profile_comes_before_the_files(config_file):
    config_file.write_text("[DEFAULT]\nhost = https://a\n[b]\nhost = https://b\n")
    assert settings(config_file, DATABRICKS_CONFIG_PROFILE="b").default_profile == "b"


@pytest.mark.parametrize(
    ("environment", "trusts"),
    [
        ({}, False),
        ({"DATABRICKS_APP_NAME": "brickyard"}, True),
        ({"DATABRICKS_APP_NAME": "brickyard", "BRICKYARD_TRUST_FORWARDED_IDENTITY": "no"}, False),
        ({"BRICKYARD_TRUST_FORWARDED_IDENTITY": "true"}, True),
        ({"BRICKYARD_TRUST_FORWARDED_IDENTITY": "1"}, True),
        ({"BRICKYARD_TRUST_FORWARDED_IDENTITY": "YES"}, True),
        ({"BRICKYARD_TRUST_FORWARDED_IDENTITY": "0"}, False),
        ({"BRICKYARD_TRUST_FORWARDED_IDENTITY": "maybe"}, False),
        ({"DATABRICKS_APP_NAME": ""}, False),
    ],
)
def test_forwarded_identity_is_trusted_in_an_app_or_when_told(config_file, environment, trusts):
    assert settings(config_file, **environment).trust_forwarded_identity is trusts


def test_origins_are_separated_by_commas_or_spaces(config_file):
    found = settings(config_file, BRICKYARD_ALLOWED_ORIGINS="https://a.example, https://b.example https://c.example,")
    assert found.allowed_origins == ("https://a.example", "https://b.example", "https://c.example")


def test_the_local_state_is_a_folder_under_home_where_it_says_so(config_file):
    assert settings(config_file, BRICKYARD_LOCAL_STATE="~/bricks").local_state == Path.home() / "bricks"
    assert settings(config_file, BRICKYARD_LOCAL_STATE="").local_state is None


def test_settings_hold_no_secret(config_file):
    config_file.write_text("[b]\nhost = https://b\ntoken = dapi-canary\n")
    found = settings(config_file, DATABRICKS_TOKEN="dapi-canary", DATABRICKS_CLIENT_SECRET="dapi-canary")
    assert "canary" not in repr(found)


def test_a_child_inherits_nobodys_credentials():
    kept = {"PATH": "/bin", "HOME": "/root", "BRICKYARD_LOCAL_STATE": "x", "X_DATABRICKS_": "1"}
    dropped = ("HOST", "TOKEN", "CLIENT_SECRET", "CONFIG_PROFILE", "CONFIG_FILE", "APP_NAME")
    environment = kept | {f"DATABRICKS_{name}": "canary" for name in dropped} | {"MLFLOW_TRACKING_TOKEN": "canary"}
    assert child_environment(environment) == kept


PLAIN = {"DATABRICKS_HOST": "https://x.example", "DATABRICKS_TOKEN": "dapi1"}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, True),
        (
            {"PATH": "/bin", "DATABRICKS_CLUSTER_ID": "1", "DATABRICKS_CONFIG_FILE": "/x", "DATABRICKS_CLIENT_ID": ""},
            True,
        ),
        ({"DATABRICKS_CLIENT_ID": "a"}, False),
        ({"DATABRICKS_CONFIG_PROFILE": "b"}, False),
        ({"DATABRICKS_AUTH_TYPE": "oauth-m2m"}, False),
        ({"ARM_CLIENT_ID": "a"}, False),
        ({"DATABRICKS_TOKEN": ""}, False),
        ({"DATABRICKS_HOST": ""}, False),
    ],
)
def test_a_plain_token_is_used_without_the_sdk_only_where_nothing_else_is_said(more, found):
    assert machine_token(PLAIN | more) == (tuple(PLAIN.values()) if found else None)
