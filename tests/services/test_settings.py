"""Settings: what the environment means."""

import os
from pathlib import Path

import pytest

from services.settings import Settings, child_environment, machine_token

STATE = Path("~/.local/state/brickyard").expanduser()


@pytest.fixture
def config_file(tmp_path):
    return tmp_path / "databrickscfg"


def settings(config_file, **environment) -> Settings:
    return Settings.from_environment({"DATABRICKS_CONFIG_FILE": str(config_file), **environment})


def test_an_empty_environment_configures_nothing(config_file):
    assert settings(config_file) == Settings(None, None, False, (), False, (), None, state=STATE)


def test_a_host_in_the_environment_configures_the_machine(config_file):
    found = settings(config_file, DATABRICKS_HOST="https://x.example")
    assert (found.machine_host, found.machine_configured) == ("https://x.example", True)
    assert not settings(config_file, DATABRICKS_HOST="").machine_configured


def test_a_notebooks_runtime_configures_the_machine(config_file):
    assert settings(config_file, DATABRICKS_RUNTIME_VERSION="15.4").machine_configured


PROFILES = {
    "": ((), False),
    "[DEFAULT]\nhost = https://a\n": (("DEFAULT",), True),
    "[DEFAULT]\nhost = https://a\n[b]\nhost = https://b\n": (("DEFAULT", "b"), True),
    "[b]\nhost = https://b\n[DEFAULT]\nhost = https://a\n": (("DEFAULT", "b"), True),
    "[b]\nhost = https://b\n[c]\nhost = https://c\n": (("b", "c"), False),
    "[__settings__]\ndefault_profile = c\n[b]\nhost = https://b\n[c]\nhost = https://c\n": (("b", "c"), True),
    "[__settings__]\ndefault_profile = c\n[b]\nhost = https://b\n[c]\ntoken = x\n": (("b",), False),
    "[DEFAULT]\n[b]\nhost =\n[c]\nhost = https://c\n": (("c",), False),
    "[DEFAULT]\nhost = https://a\n[b]\ntoken = not inherited by the SDK either\n": (("DEFAULT",), True),
    "[DEFAULT]\ncluster_id = 7\n[b]\nhost = https://b\n": (("b",), False),
    "[b]\nhost = https://b\ntoken = 50%off\n": (("b",), False),
    "no section\n": ((), False),
    "[b]\nhost = 1\n[b]\nhost = 2\n": ((), False),
}
"""A config file, its profiles, and whether one of them is used without being named."""


@pytest.mark.parametrize("text", PROFILES)
def test_profiles_are_read_as_the_sdk_reads_them(config_file, text):
    config_file.write_text(text)
    found = settings(config_file)
    assert (found.profiles, found.machine_configured) == PROFILES[text]


def test_a_config_file_that_cannot_be_read_has_no_profiles(config_file, tmp_path):
    config_file.write_bytes(b"\xff\xfe[b]\x00")
    assert settings(config_file).profiles == ()
    assert settings(tmp_path).profiles == ()


def test_a_profile_that_the_environment_names_configures_the_machine(config_file):
    config_file.write_text("[b]\nhost = https://b\n")
    assert not settings(config_file).machine_configured
    assert settings(config_file, DATABRICKS_CONFIG_PROFILE="b").machine_configured


def test_a_config_file_that_changes_is_read_again(config_file):
    config_file.write_text("[b]\nhost = https://b\n")
    assert settings(config_file).profiles == ("b",)
    config_file.write_text("[b]\nhost = https://b\n[c]\nhost = https://c\n")
    assert settings(config_file).profiles == ("b", "c")
    before = config_file.stat()
    config_file.write_text("[b]\nhost = https://b\n[d]\nhost = https://d\n")
    os.utime(config_file, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    assert settings(config_file).profiles == ("b", "d")
    config_file.unlink()
    assert settings(config_file).profiles == ()


@pytest.mark.parametrize("file", ["~no-such-user/.databrickscfg", "/a\0b"])
def test_a_config_file_that_can_be_nowhere_is_none(file):
    assert settings(file) == Settings(None, None, False, (), False, (), None, state=STATE)


def test_a_user_without_a_home_has_no_config_file_and_no_local_state():
    found = Settings.from_environment(
        {"DATABRICKS_CONFIG_FILE": "~no-such-user/x", "BRICKYARD_LOCAL_STATE": "~no-such-user/bricks"}
    )
    assert (found.profiles, found.local_state) == ((), None)


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
