"""Where the values of secrets go: to who may read them, and nowhere else."""

import base64
import gzip
import json
from urllib.parse import quote

import pytest
import requests

from local_workspace.cipher import Cipher
from local_workspace.database import Database
from local_workspace.identity.users import ADMIN, ANALYST
from local_workspace.refusals import RefusalError
from local_workspace.secret_scopes.references import SecretReference
from local_workspace.secret_scopes.store import SecretStore
from local_workspace.web.redaction import REDACTED, redacted_body
from tests.local_workspace.calls import call
from tests.local_workspace.secrets_calls import SECRETS, get, post

CANARY = "canary-벽돌-3f9a"
ENDPOINTS = "/api/2.0/serving-endpoints"


def spellings(text: str) -> list[bytes]:
    """The ways in which `text` could lie in a file or a log."""
    encoded = [base64.b64encode(b" " * shift + text.encode()).strip(b"=")[4:-4] for shift in range(3)]
    return [text.encode(), json.dumps(text)[1:-1].encode(), text.encode("utf-16-le"), quote(text).encode(), *encoded]


def careless_calls(workspace) -> None:
    """The canary, in every call that takes a secret, rightly and wrongly."""
    analyst = workspace.users["analyst"]
    right = {"scope": "s", "key": "k", "string_value": CANARY}
    post(workspace, "scopes/create", scope="s")
    post(workspace, "put", **right)
    post(workspace, "put", scope="s", key="b", bytes_value=base64.b64encode(CANARY.encode()).decode())
    assert base64.b64decode(get(workspace, "get", scope="s", key="k").json()["value"]).decode() == CANARY
    for wrong in (
        {"key": "<k>"},
        {"scope": "nowhere"},
        {"string_value": CANARY * 9000},
        {"string_value": [CANARY]},
        {"bytes_value": CANARY},
        {"string_value": None, "bytes_value": CANARY},
    ):
        refused = post(workspace, "put", **(right | wrong))
        assert refused.status_code in {400, 404}
        assert CANARY not in refused.text
    post(workspace, "put", analyst, **right)
    post(workspace, "putt", **right)
    for path in (f"{SECRETS}/put/", f"/{SECRETS}/put", "/api/2.0/preview/secrets/put", "/secrets/put"):
        call(workspace, "POST", path, right)
    call(workspace, "POST", f"{SECRETS}/put", params={"string_value": CANARY})
    as_json = {"content-type": "application/json"}
    for body in (
        json.dumps(right, ensure_ascii=False)[:-1].encode(),
        json.dumps(right, ensure_ascii=False).encode("utf-16"),
        gzip.compress(json.dumps(right).encode()),
        f'{{"scope": "s", "key": "k", "string_value": "{CANARY}", "string_value": null}}'.encode(),
        f'{{"scope": "s", "key": "k", "string\\u005fvalue": "{CANARY}", "bytes_value": ""}}'.encode(),
        json.dumps(right | {"padding": " " * 5_000_000}).encode(),
        b"[" * 100_000 + CANARY.encode(),
    ):
        assert call(workspace, "POST", f"{SECRETS}/put", data=body, headers=as_json).status_code in {400, 413}
    call(workspace, "POST", f"{SECRETS}/put", right, headers={"x-local-fault": "return-500"})
    call(workspace, "POST", f"{SECRETS}/put", right, headers={"authorization": "Bearer nobody"})
    config = {"openai_api_key_plaintext": CANARY}
    call(workspace, "POST", f"{ENDPOINTS}/nowhere/config", {"served_entities": [{"external_model": config}]})
    requests.post(f"{workspace.host}/oidc/v1/token", data={"client_secret": CANARY}, timeout=10)


def test_a_value_is_in_no_file_no_log_and_no_error(make_local_workspace, tmp_path):
    workspace = make_local_workspace("--state", str(tmp_path / "state"))
    careless_calls(workspace)
    logged = workspace.requests()
    shown = call(workspace, "GET", "/_local/requests").content
    workspace.process.kill()  # so that SQLite's log of what is new stays, too
    workspace.process.wait()
    files = {path: path.read_bytes() for path in workspace.state.rglob("*") if path.is_file()}
    assert {"workspace.db", "workspace.db-wal", "secrets.key"} <= {path.name for path in files}
    assert len(logged) > 20
    places = {"stderr": workspace.stderr.read_bytes(), "log": shown, "bodies": b"".join(each.body for each in logged)}
    for spelling in spellings(CANARY):
        assert [place for place, content in (files | places).items() if spelling in content] == []


def test_the_log_keeps_everything_but_the_secret(local_workspace):
    body = {"scope": "none-such", "key": "k", "string_value": CANARY, "else": [1, None]}
    post(local_workspace, "put", **body)
    assert local_workspace.last_request(f"{SECRETS}/put").json == body | {"string_value": REDACTED}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{SECRETS}/scopes/create", b'{ "scope":"a" }'),
        (f"{SECRETS}/put", b'{ "string_value":null }'),
        (f"{SECRETS}/list", b""),
        (ENDPOINTS, b'{"name" :"a", "openai_api_key":"{{secrets/a/b}}", "string_value": "x"}'),
        ("/serving-endpoints/a/invocations", b'{"string_value": "x", "token_plaintext": "y"}'),
        ("/serving-endpoints/secrets/invocations", b"a,b\n1,2"),
        ("/oidc/v1/token", b"grant_type=client_credentials&scope=all-apis"),
    ],
)
def test_a_body_without_a_secret_is_kept_byte_for_byte(path, body):
    assert redacted_body(path, body) is body


@pytest.mark.parametrize(
    ("path", "body", "kept"),
    [
        (f"{ENDPOINTS}/a/config", '{"a": [{"value_plaintext": "x"}]}', '{"a": [{"value_plaintext": "[redacted]"}]}'),
        (f"{ENDPOINTS}/secrets/config", '{"token_plaintext": {"x": 1}}', '{"token_plaintext": "[redacted]"}'),
        (ENDPOINTS, '{"k\\u005fplaintext": "x"}', '{"k_plaintext": "[redacted]"}'),
        (ENDPOINTS, '{"k_plaintext": "x", "k_plaintext": null}', '{"k_plaintext": "[redacted]"}'),
        (ENDPOINTS, '{"k_plaintext": "x"', REDACTED),
        (f"{SECRETS}/put", "string_value=x", REDACTED),
        ("/oidc/v1/token", "client%5Fsecret=x", REDACTED),
        ("/oidc/v1/token", '{"client_secret": "x"}', '{"client_secret": "[redacted]"}'),
    ],
)
def test_a_secret_in_a_body_is_redacted_at_any_depth_and_in_any_spelling(path, body, kept):
    assert redacted_body(path, body.encode()) == kept.encode()


@pytest.mark.parametrize("text", ["{{secrets/my-scope/openai.key_1}}", "{{secrets/a@b/c}}"])
def test_a_reference_is_read_and_written_back(text):
    assert str(SecretReference.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secrets/a/b",
        "{secrets/a/b}",
        "{{{secrets/a/b}}}",
        "{{ secrets/a/b }}",
        "{{secrets/a/b}} ",
        "{{secrets/a/b}}\n",
        "{{secrets/<scope>/b}}",
        "{{secrets/a}}",
        "{{secrets/a/}}",
        "{{secrets//b}}",
        "{{secrets/a/b/c}}",
        "{{secrets/a/b@c}}",
        "{{Secrets/a/b}}",
        "{{secret/a/b}}",
        "{{secrets/a/b}}{{secrets/a/b}}",
        "{{secrets/" + "a" * 129 + "/b}}",
        "{{secrets/é/b}}",
    ],
)
def test_what_is_nearly_a_reference_is_none(text):
    assert SecretReference.parse(text) is None


@pytest.fixture
def store(tmp_path):
    database = Database(tmp_path)
    made = SecretStore(database, Cipher(tmp_path, database))
    made.create_scope("s", ADMIN.user_name)
    made.put_secret("s", "k", b"\x00value", ADMIN)
    yield made
    database.close()


def test_a_reference_resolves_with_the_rights_of_its_reader(store):
    reference = SecretReference("S", "K")
    assert store.resolve(reference, ADMIN) == b"\x00value"
    with pytest.raises(RefusalError, match=r"\{\{secrets/S/K\}\} .* analyst@local does not have READ") as refused:
        store.resolve(reference, ANALYST)
    assert (refused.value.status, refused.value.error_code) == (403, "PERMISSION_DENIED")
    store.put_acl("s", "users", "READ", ADMIN)
    assert store.resolve(reference, ANALYST) == b"\x00value"


@pytest.mark.parametrize(("scope", "key"), [("s", "none"), ("none", "k")])
def test_a_reference_to_nothing_is_refused_by_name(store, scope, key):
    with pytest.raises(RefusalError) as refused:
        store.resolve(SecretReference(scope, key), ADMIN)
    assert (refused.value.status, refused.value.error_code) == (400, "INVALID_PARAMETER_VALUE")
    assert f"{{{{secrets/{scope}/{key}}}}}" in refused.value.message
