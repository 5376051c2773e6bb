"""The call as code: it compiles, holds no credential, and sends the same body when it is run."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from services.snippets import DIALECTS
from tests.local_workspaces import LoggedRequest
from tests.services.chats import CHAT, TOKEN
from tests.services.replies import Received, reply_server
from tests.services.snippet_cases import (
    BY_NAME,
    CASES,
    HOSTILE,
    ODD,
    answering,
    body_of,
    environment,
    run_python,
    sent_by,
)

PYTHON = [
    dialect.name for dialect in DIALECTS if dialect.language == "python" and dialect.name != "databricks-langchain"
]
WAYS = [(case, streams) for case in CASES for streams in (True, False)]
ODD_WAYS = [(case, streams) for case in ODD for streams in (True, False)]
ways = pytest.mark.parametrize(("case", "streams"), WAYS, ids=str)
odd_ways = pytest.mark.parametrize(("case", "streams"), ODD_WAYS, ids=str)
all_ways = pytest.mark.parametrize(("case", "streams"), WAYS + ODD_WAYS, ids=str)


def code(dialect: str, case: str, streams: bool) -> str:
    return BY_NAME[dialect].write(CHAT, body_of((CASES | ODD)[case], streams=streams))


def bash(source: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", source], capture_output=True, text=True, env=variables, timeout=30)


@all_ways
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_code_is_of_its_language(dialect, case, streams):
    source = code(dialect.name, case, streams)
    assert source.endswith("\n")
    if dialect.language == "python":
        compile(source, dialect.name, "exec")
        assert source.isascii() or "벽돌" in source or "끝" in source
    else:
        checked = subprocess.run(["bash", "-n"], input=source, capture_output=True, text=True)
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_code_takes_its_credentials_from_the_environment(dialect):
    source = code(dialect.name, "plain", True)
    assert "dapi" not in source
    assert "http://" not in source
    assert "https://" not in source
    assert "DATABRICKS_TOKEN" in source


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_an_endpoints_name_is_quoted_in_code(dialect):
    name = "a'b\"c$(touch /tmp/never)`d` e/\\"
    source = dialect.write(name, body_of(CASES["plain"], streams=True))
    if dialect.language == "python":
        compile(source, dialect.name, "exec")
    else:
        assert "/serving-endpoints/a%27b%22c%24%28touch%20%2Ftmp%2Fnever%29%60d%60%20e%2F%5C/invocations" in source


# --- run against the local workspace


@dataclass
class Run:
    said: str
    failed: str
    sent: LoggedRequest | Received


@pytest.fixture(scope="module")
def runs(local_workspace, tmp_path_factory) -> dict[tuple[str, str, bool], Run]:
    """Every Python dialect in every way, one request each: against the local workspace, or a server that takes anything."""
    keys = [(dialect, case, streams) for dialect in PYTHON for case, streams in WAYS]
    odd_keys = [(dialect, case, streams) for dialect in PYTHON for case, streams in ODD_WAYS]
    home = tmp_path_factory.mktemp("home")
    local_workspace.clear()
    local_workspace.queue_fault("scripted-0-3", "/serving-endpoints/", times=len(keys))
    here = environment(local_workspace.host, local_workspace.token, home)
    with reply_server(answering) as server:
        there = environment(server.host, TOKEN, home)
        snippets = [(code(*key), here) for key in keys] + [(code(*key), there) for key in odd_keys]
        results = run_python(sys.executable, snippets)
    sent = [entry for entry in local_workspace.requests() if entry.path.startswith("/serving-endpoints/")]
    failures = "\n".join(result["failed"] for result in results)
    assert len(sent) == len(keys), failures
    assert len(server.posts()) == len(odd_keys), failures
    return {
        key: Run(result["said"], result["failed"], one)
        for key, result, one in zip(keys + odd_keys, results, [*sent, *server.posts()], strict=True)
    }


@all_ways
@pytest.mark.parametrize("dialect", PYTHON)
def test_code_sends_the_body_that_was_sent(runs, dialect, case, streams):
    run = runs[dialect, case, streams]
    assert run.failed == ""
    assert sent_by(BY_NAME[dialect], run.sent) == body_of((CASES | ODD)[case], streams=streams)


@ways
@pytest.mark.parametrize("dialect", PYTHON)
def test_code_prints_the_answer(runs, dialect, case, streams):
    said = runs[dialect, case, streams].said
    answers = body_of(CASES[case], streams=streams).get("n", 1)
    assert [said.count(word) for word in ("Brick", "벽돌", "**bold**")] == [answers] * 3


@ways
def test_curl_sends_the_body_that_was_sent(local_workspace, tmp_path, case, streams):
    local_workspace.clear()
    local_workspace.queue_fault("scripted-0-3", "/serving-endpoints/")
    # A host with a slash at its end is what a browser's address bar gives.
    variables = environment(local_workspace.host + "/", local_workspace.token, tmp_path)
    ran = bash(code("curl", case, streams), variables)
    assert ran.returncode == 0, ran.stderr
    [logged] = local_workspace.requests()
    assert sent_by(BY_NAME["curl"], logged) == body_of(CASES[case], streams=streams)
    assert "Brick" in ran.stdout
    assert ("[DONE]" in ran.stdout) == streams


def test_curl_fails_when_it_is_refused_and_shows_why(local_workspace, tmp_path):
    ran = bash(code("curl", "plain", True), environment(local_workspace.host, TOKEN, tmp_path))
    assert ran.returncode != 0
    assert "Invalid access token" in ran.stdout


def test_hostile_text_is_not_run_by_the_shell(local_workspace, tmp_path):
    trap = HOSTILE + f"\nJSON\ntouch {tmp_path}/trapped\n'; touch {tmp_path}/trapped; $(touch {tmp_path}/trapped)"
    body = {"messages": [{"role": "user", "content": trap}]}
    local_workspace.queue_fault("scripted-0-3", "/serving-endpoints/")
    ran = bash(BY_NAME["curl"].write(CHAT, body), environment(local_workspace.host, local_workspace.token, tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert local_workspace.last_request("/invocations").json == body
    assert not (tmp_path / "trapped").exists()


@odd_ways
def test_curl_sends_fields_that_nobody_knows(tmp_path, case, streams):
    with reply_server(answering) as server:
        assert "Brick" in bash(code("curl", case, streams), environment(server.host, TOKEN, tmp_path)).stdout
    assert sent_by(BY_NAME["curl"], server.posts()[0]) == body_of(ODD[case], streams=streams)
